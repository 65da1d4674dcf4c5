//! A real Kafka as an enterprise has it: listeners that ask for a login or a certificate, and an authorizer that allows what
//! `docs/how-to/secure.md` says is needed, and no more.

mod examined;
mod mechanisms;
mod rotation;
mod topics;
mod wrong;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde_json::json;
use tests::kafka::{Access, Listener, Resource, Rights, Setup, Started, token};
use tests::process::Tailwater;
use tests::world::World;

/// All that is waited for, on a machine that is busy.
const WITHIN: Duration = Duration::from_secs(90);

/// In the order in which [`secured`] has them.
const LISTENERS: [Listener; 4] = [
    Listener::Plain,
    Listener::ScramTls,
    Listener::MutualTls,
    Listener::OauthTls,
];

fn setup() -> Setup {
    let with = |setup: Setup, listener: Listener| setup.listener(listener);
    LISTENERS
        .into_iter()
        .fold(Setup::default().checking_rights(), with)
}

/// The broker that these tests share as long as they don't hurt it.
fn secured() -> Option<&'static Started> {
    static SECURED: OnceLock<Option<Started>> = OnceLock::new();
    SECURED.get_or_init(|| setup().start().ok()).as_ref()
}

fn access(started: &Started, listener: Listener) -> &Access {
    let at = LISTENERS.iter().position(|one| *one == listener);
    &started.listeners[at.unwrap()]
}

/// A pipeline that comes by a listener. Tokens are read from a file of its own.
fn world(started: &Started, listener: Listener) -> World {
    let mut world = World::secured(access(started, listener));
    world.set_decision_wait(500);
    if listener == Listener::OauthTls {
        let file = token_file(&world);
        write_token(&file, "tailwater", Duration::from_secs(3600));
        world.config["bus"]["kafka"]["sasl"]["oauth"] = json!({"token_file": file});
    }
    world
}

fn token_file(world: &World) -> PathBuf {
    world.path("token")
}

/// As Kubernetes replaces one: never half of it.
fn write_token(file: &Path, principal: &str, left: Duration) {
    let new = file.with_extension("new");
    std::fs::write(&new, token(principal, SystemTime::now() + left)).unwrap();
    std::fs::rename(new, file).unwrap();
}

fn principal(listener: Listener) -> &'static str {
    match listener {
        Listener::MutualTls => "User:CN=First",
        _ => "User:tailwater",
    }
}

/// As the documentation has it.
fn allow_what_is_needed(rights: &Rights, prefix: &str) {
    let topic = ["Describe", "DescribeConfigs", "Read", "Write", "Create"];
    rights.allow(Resource::Topic(prefix), &topic);
    for group in [prefix, "tailwater-reader"] {
        rights.allow(Resource::Group(group), &["Describe", "Read"]);
    }
    rights.allow(Resource::TransactionalId(prefix), &["Describe", "Write"]);
}

/// What was delivered so far.
fn delivered(process: &Tailwater) -> f64 {
    let name = "tailwater_export_delivered_items_total";
    process.metrics().sum(name, &[])
}
