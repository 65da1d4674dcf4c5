//! A file over restarts, crashes, rotation, and what others do to it.
#![allow(clippy::unwrap_used)]
use super::*;

fn sink(path: &Path, rotate: Option<Rotate>) -> Result<FileWriter, OpenFileError> {
    FileWriter::open(&FileConfig {
        path: path.to_owned(),
        rotate,
    })
}

fn lines(texts: &[&str]) -> Payload {
    let text: String = texts.iter().map(|text| format!("{text}\n")).collect();
    Payload::new([Bytes::from(text)])
}

fn read(path: &Path, suffix: &str) -> Option<String> {
    std::fs::read_to_string(format!("{}{suffix}", path.display())).ok()
}

#[test]
fn a_restart_appends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/directory/kept.jsonl");
    sink(&path, None).unwrap().append(&lines(&["{1}"])).unwrap();
    sink(&path, None).unwrap().append(&lines(&["{2}"])).unwrap();
    assert_eq!(read(&path, "").unwrap(), "{1}\n{2}\n");
}

#[test]
fn a_torn_line_is_cut_off_and_a_strangers_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kept.jsonl");
    let long = format!("{{\"resourceSpans\":\"{}", "x".repeat(200_000));
    for torn in ["{\"resourceSpans\":[{\"reso", "{\"re", "\0\0\0", &long] {
        for whole in ["", "{1}\n"] {
            std::fs::write(&path, format!("{whole}{torn}")).unwrap();
            sink(&path, None).unwrap().append(&lines(&["{2}"])).unwrap();
            assert_eq!(read(&path, "").unwrap(), format!("{whole}{{2}}\n"));
        }
    }
    std::fs::write(&path, "dear diary").unwrap();
    let Err(error) = sink(&path, None) else {
        panic!("opened a stranger's file")
    };
    assert!(error.to_string().contains("isn't OTLP JSON"), "{error}");
    assert_eq!(read(&path, "").unwrap(), "dear diary");
}

/// By whatever path, from whatever process.
#[test]
fn a_file_has_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kept.jsonl");
    let first = sink(&path, None).unwrap();
    let other = dir.path().join("other.jsonl");
    std::fs::hard_link(&path, &other).unwrap();
    let Err(error) = sink(&other, None) else {
        panic!("two writers")
    };
    let error = error.to_string();
    assert!(error.contains("another backend or process"), "{error}");
    first.append(&lines(&["{1}"])).unwrap();
    drop(first);
    sink(&other, None)
        .unwrap()
        .append(&lines(&["{2}"]))
        .unwrap();
    assert_eq!(read(&path, "").unwrap(), "{1}\n{2}\n");
}

#[test]
fn rotation_keeps_as_many_as_asked_and_cuts_no_batch() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kept.jsonl");
    let rotate = Some(Rotate { bytes: 9, keep: 2 });
    let file = sink(&path, rotate).unwrap();
    for text in ["1aa", "1bb", "2aaaaaaaaaaaaaaaa", "3aa", "3bb", "4aa"] {
        file.append(&lines(&[text])).unwrap();
    }
    assert_eq!(read(&path, "").unwrap(), "4aa\n");
    assert_eq!(read(&path, ".1").unwrap(), "3aa\n3bb\n");
    assert_eq!(read(&path, ".2").unwrap(), "2aaaaaaaaaaaaaaaa\n");
    assert_eq!(read(&path, ".3"), None);
    drop(file);
    sink(&path, rotate)
        .unwrap()
        .append(&lines(&["5aaaaa"]))
        .unwrap();
    assert_eq!(
        read(&path, ".1").unwrap(),
        "4aa\n",
        "a restart knows the size"
    );
}

/// `logrotate`, by hand or with `copytruncate`, and editors.
#[test]
fn a_file_that_was_moved_or_changed_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kept.jsonl");
    let file = sink(&path, None).unwrap();
    file.append(&lines(&["{1}"])).unwrap();
    std::fs::rename(&path, dir.path().join("moved")).unwrap();
    file.append(&lines(&["{2}"])).unwrap();
    assert_eq!(read(&path, "").unwrap(), "{2}\n");
    std::fs::remove_file(&path).unwrap();
    file.append(&lines(&["{3}"])).unwrap();
    assert_eq!(read(&path, "").unwrap(), "{3}\n");
    std::fs::write(&path, "").unwrap();
    file.append(&lines(&["{4}"])).unwrap();
    assert_eq!(read(&path, "").unwrap(), "{4}\n");
    std::fs::write(&path, "{4}\n{mine}\n").unwrap();
    file.append(&lines(&["{5}"])).unwrap();
    assert_eq!(read(&path, "").unwrap(), "{4}\n{mine}\n{5}\n");
}

#[test]
fn a_write_that_fails_is_worth_a_retry_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kept.jsonl");
    let file = sink(&path, None).unwrap();
    file.append(&lines(&["{1}"])).unwrap();
    // A handle that can't be written to stands for a disk that is full.
    let writable = {
        let mut open = file.open.lock().unwrap();
        std::mem::replace(&mut open.file, File::open(&path).unwrap())
    };
    let failure = file.append(&lines(&["{2}"])).unwrap_err();
    assert_eq!(
        failure.kind,
        crate::outcome::FailureKind::Retry { after: None }
    );
    assert!(failure.reason.contains("kept.jsonl"), "{}", failure.reason);
    file.open.lock().unwrap().file = writable;
    file.append(&lines(&["{3}"])).unwrap();
    assert_eq!(read(&path, "").unwrap(), "{1}\n{3}\n");
}
