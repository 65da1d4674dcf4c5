//! Whatever is wrong about a login has its reason: in `check --connect`, in `/readyz`, and once in the log.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tests::kafka::{Identity, Listener, token};
use tests::wait_until;
use tests::world::World;

use super::{WITHIN, secured, token_file, world, write_token};

/// `check --connect` fails within half a minute, and says why.
#[track_caller]
fn check(world: &World, words: &[&str]) {
    let begin = Instant::now();
    let process = world.process("run", "check");
    let (code, out, said) = process.command(&["check", "--connect"]);
    println!("after {:?}: {said}", begin.elapsed());
    assert_eq!(code, 1, "{out}{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
    assert!(
        !said.contains("not the secret") && !said.contains("eyJ"),
        "{said}"
    );
}

#[test]
fn a_wrong_password_is_named() {
    let Some(started) = secured() else { return };
    for listener in [Listener::Plain, Listener::ScramTls] {
        let mut world = world(started, listener);
        world.config["bus"]["kafka"]["sasl"]["password"] = json!("not the secret");
        check(&world, &["uthentication", "bus.kafka.sasl"]);
    }
}

#[test]
fn a_mechanism_that_the_listener_lacks_is_named() {
    let Some(started) = secured() else { return };
    let mut world = world(started, Listener::Plain);
    world.config["bus"]["kafka"]["sasl"]["mechanism"] = json!("SCRAM-SHA-256");
    check(&world, &["SCRAM-SHA-256", "bus.kafka.sasl"]);
}

#[test]
fn whom_nobody_trusts_is_named() {
    let Some(started) = secured() else { return };
    let tls = started.tls.as_ref().unwrap();
    // Not the brokers' authority.
    let mut world = world(started, Listener::ScramTls);
    let other = tls.identity(Identity::Stranger).0;
    world.config["bus"]["kafka"]["tls"]["ca_file"] = json!(other);
    check(
        &world,
        &["certificate verify failed", "bus.kafka.tls.ca_file"],
    );
    // Nor the system's.
    world.config["bus"]["kafka"]["tls"] = json!({});
    check(
        &world,
        &["certificate verify failed", "bus.kafka.tls.ca_file"],
    );
}

#[test]
fn a_certificate_that_the_brokers_do_not_take_is_named() {
    let Some(started) = secured() else { return };
    let tls = started.tls.as_ref().unwrap();
    let mut world = world(started, Listener::MutualTls);
    let (cert, key) = tls.identity(Identity::Stranger);
    world.config["bus"]["kafka"]["tls"]["cert_file"] = json!(cert);
    world.config["bus"]["kafka"]["tls"]["key_file"] = json!(key);
    check(&world, &["certificate", "bus.kafka.tls.cert_file"]);
    // Of another certificate.
    world.config["bus"]["kafka"]["tls"]["key_file"] = json!(tls.identity(Identity::First).1);
    check(
        &world,
        &[
            "bus.kafka.tls.key_file",
            "isn't the key of the certificate",
            "Stranger.pem",
        ],
    );
    world.config["bus"]["kafka"]["tls"]["key_file"] = json!("/nowhere.key");
    check(
        &world,
        &[
            "bus.kafka.tls.key_file",
            "can't read /nowhere.key: No such file",
        ],
    );
    let section = &mut world.config["bus"]["kafka"]["tls"];
    section.as_object_mut().unwrap().remove("cert_file");
    section.as_object_mut().unwrap().remove("key_file");
    check(&world, &["certificate", "bus.kafka.tls.cert_file"]);
}

#[test]
fn plain_text_where_tls_is_spoken_and_the_other_way_round() {
    let Some(started) = secured() else { return };
    let mut plain = world(started, Listener::ScramTls);
    plain.config["bus"]["kafka"]
        .as_object_mut()
        .unwrap()
        .remove("tls");
    check(&plain, &["bus.kafka.tls"]);
    let mut tls = world(started, Listener::Plain);
    tls.config["bus"]["kafka"]["tls"] = json!({});
    check(&tls, &["bus.kafka.tls"]);
}

#[test]
fn a_token_that_is_wrong_is_named() {
    let Some(started) = secured() else { return };
    let world = world(started, Listener::OauthTls);
    let file = token_file(&world);
    let past = SystemTime::now() - Duration::from_secs(100);
    std::fs::write(&file, token("tailwater", past)).unwrap();
    check(&world, &["the token has expired 1", "token file"]);
    std::fs::write(&file, "nonsense").unwrap();
    check(&world, &["uthentication", "bus.kafka.sasl"]);
    std::fs::remove_file(&file).unwrap();
    check(&world, &["token", "No such file"]);
}

#[test]
fn a_provider_that_refuses_is_named() {
    let Some(started) = secured() else { return };
    let provider = Provider::start(Duration::from_secs(60));
    let mut world = world(started, Listener::OauthTls);
    world.config["bus"]["kafka"]["sasl"]["oauth"] = provider.section("not the secret");
    check(
        &world,
        &[
            "fetching a token",
            "client `tailwater`",
            "401",
            "invalid_client",
            "client_secret",
        ],
    );
    world.config["bus"]["kafka"]["sasl"]["oauth"]["oidc"]["token_url"] =
        json!("http://127.0.0.1:1/");
    check(&world, &["http://127.0.0.1:1/", "refused"]);
}

/// Not ready, with the reason; told once and tried on, until the password in the file is right.
#[test]
fn a_process_waits_for_the_right_password() {
    let Some(started) = secured() else { return };
    let rights = started.rights.as_ref().unwrap().of("User:tailwater");
    let mut world = world(started, Listener::ScramTls);
    super::allow_what_is_needed(&rights, world.prefix());
    let file = world.path("password");
    std::fs::write(&file, "not the secret\n").unwrap();
    world.config["bus"]["kafka"]["sasl"]["password"] =
        json!(format!("${{file:{}}}", file.display()));
    let mut process = world.process("run", "all");
    process.start();
    wait_until("its reason", WITHIN, || {
        let readyz = process.get("/readyz");
        readyz.is_some_and(|(status, body)| status == 503 && body.contains("uthentication"))
    });
    let tried = || process.logged("waiting for the bus") + process.logged("waiting for it");
    wait_until("it to be told", WITHIN, || tried() >= 1);
    std::fs::write(&file, "a secret\n").unwrap();
    process.wait_ready();
    let log = process.log_text();
    let told = |line: &&str| line.contains(" WARN ") && line.contains("uthentication");
    assert_eq!(log.lines().filter(told).count(), 1, "{log}");
    assert!(
        log.contains("bus.kafka.sasl.password"),
        "the change is told: {log}"
    );
    assert!(!log.contains("not the secret"));
    assert_eq!(process.stop(), 0);
}

/// A provider of tokens that end soon.
pub struct Provider {
    url: String,
    given: Arc<AtomicUsize>,
}

impl Provider {
    pub fn start(left: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let given = Arc::new(AtomicUsize::new(0));
        let counted = given.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream);
                let (mut login, mut bytes, mut line) = (String::new(), 0, String::new());
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    let lower = line.to_ascii_lowercase();
                    if let Some(value) = lower.strip_prefix("content-length:") {
                        bytes = value.trim().parse().unwrap();
                    }
                    if lower.starts_with("authorization:") {
                        login = line.split(' ').next_back().unwrap().trim().to_owned();
                    }
                    line.clear();
                }
                let mut body = vec![0; bytes];
                reader.read_exact(&mut body).unwrap();
                // tailwater:right
                let right = login == "dGFpbHdhdGVyOnJpZ2h0";
                let (status, answer) = match right {
                    true => {
                        counted.fetch_add(1, Ordering::Relaxed);
                        let token = token("of-provider", SystemTime::now() + left);
                        (
                            "200 OK",
                            json!({"access_token": token, "expires_in": left.as_secs()}),
                        )
                    }
                    false => ("401 Unauthorized", json!({"error": "invalid_client"})),
                };
                let answer = answer.to_string();
                let length = answer.len();
                let _ = write!(
                    reader.into_inner(),
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
                );
            }
        });
        Self { url, given }
    }

    pub fn section(&self, secret: &str) -> Value {
        json!({"oidc": {"token_url": self.url, "client_id": "tailwater", "client_secret": secret}})
    }

    pub fn given(&self) -> usize {
        self.given.load(Ordering::Relaxed)
    }
}

#[test]
fn nothing_is_written_that_one_logs_in_with() {
    let Some(started) = secured() else { return };
    let world = world(started, Listener::OauthTls);
    write_token(&token_file(&world), "tailwater", Duration::from_secs(60));
    let process = world.process("run", "check");
    let (_, out, said) = process.command(&["check"]);
    assert!(!out.contains("eyJ") && !said.contains("eyJ"), "{out}{said}");
}

/// Something on the way that lets nobody through: it takes the first words of TLS, and hangs up.
#[test]
fn a_broker_that_drops_tls_midway_is_named() {
    let Some(started) = secured() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 64]);
        }
    });
    let mut world = world(started, Listener::ScramTls);
    world.config["bus"]["kafka"]["brokers"] = json!([address.to_string()]);
    check(
        &world,
        &[
            &address.to_string(),
            "cut as soon as it is there",
            "bus.kafka.tls",
        ],
    );
}
