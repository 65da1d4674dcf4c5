//! Certificates made by `openssl`, which every machine that builds librdkafka's TLS could have; without it, these tests say so and pass.

use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;

/// A folder with `NAME.pem` and `NAME.key` for each name; the certificates hold for a day.
fn made(names: &[&str]) -> Option<TempDir> {
    let folder = tempfile::tempdir().expect("a folder");
    for name in names {
        let subject = format!("/CN={name}");
        let output = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "1", "-subj", &subject])
            .args([
                "-keyout",
                &format!("{name}.key"),
                "-out",
                &format!("{name}.pem"),
            ])
            .current_dir(&folder)
            .output();
        match output {
            Ok(output) => assert!(output.status.success(), "{output:?}"),
            Err(error) => {
                println!("skipped, no openssl: {error}");
                return None;
            }
        }
    }
    Some(folder)
}

fn files(folder: &TempDir, cert: &str, key: &str) -> Files {
    let path = |name: &str| Some(folder.path().join(name));
    let tls = RawKafkaTls {
        ca_file: path("a.pem"),
        cert_file: path(cert),
        key_file: path(key),
    };
    Files::of(&tls).expect("files")
}

#[track_caller]
fn check(files: &Files, now: SystemTime, words: &[&str]) {
    let why = files.check(now).expect_err("it can't be used");
    for word in words {
        assert!(why.contains(word), "no {word:?} in {why}");
    }
}

#[test]
fn what_cannot_be_used_is_told_with_its_file() {
    let Some(folder) = made(&["a", "b"]) else {
        return;
    };
    let now = SystemTime::now();
    let day = Duration::from_secs(24 * 3600);
    let ends = files(&folder, "a.pem", "a.key")
        .check(now)
        .expect("they are good");
    let near = |at: SystemTime| at > now && at < now + day + Duration::from_secs(60);
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|ends| near(ends.at)), "{ends:?}");
    check(
        &files(&folder, "a.pem", "b.key"),
        now,
        &["key_file", "isn't the key"],
    );
    check(
        &files(&folder, "gone.pem", "a.key"),
        now,
        &["cert_file", "gone.pem", "No such file"],
    );
    check(
        &files(&folder, "a.key", "a.key"),
        now,
        &["cert_file", "no certificate in PEM"],
    );
    check(
        &files(&folder, "a.pem", "b.pem"),
        now,
        &["key_file", "no private key in PEM"],
    );
    let later = now + 2 * day;
    check(
        &files(&folder, "a.pem", "a.key"),
        later,
        &[
            "tls.ca_file",
            "tls.cert_file",
            "has expired at 20",
            "renew it",
        ],
    );
}

#[test]
fn a_change_of_any_file_is_seen() {
    let Some(folder) = made(&["a"]) else {
        return;
    };
    let files = files(&folder, "a.pem", "a.key");
    let before = files.content();
    assert!(before.is_some());
    assert_eq!(files.content(), before);
    std::fs::write(folder.path().join("a.key"), "other").expect("written");
    assert_ne!(files.content(), before);
    std::fs::remove_file(folder.path().join("a.key")).expect("removed");
    assert_eq!(files.content(), None);
}

#[test]
fn times_of_certificates_have_two_forms() {
    let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(time(0x17, "300102030405Z"), at(1_893_553_445));
    assert_eq!(time(0x18, "20300102030405Z"), at(1_893_553_445));
    assert_eq!(time(0x17, "700101000000Z"), at(0));
    assert_eq!(time(0x17, "3001"), None);
    assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    assert_eq!(not_after(b""), None);
}
