//! A change of the configuration while a process runs: on SIGHUP, when the file changes, or when the admin endpoint is told to (`POST /config`).
//!
//! The file is what counts, since a restart reads it too: nothing is taken from anywhere else. A file that is wrong, or whose own tests fail, changes nothing
//! and is reported as `tailwater check` reports it. What can't change while running is named, and waits for the restart.

mod tenants;

use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use metrics::{counter, gauge};
use runtime::config::with_marked_secrets;
use runtime::{Drain, names};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use self::tenants::Tenants;
use super::live_bus::LiveBus;
use crate::allocator;
use crate::config::{Config, RawConfig};
use crate::rehearsal;
use crate::stage::Stage;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The ways to the stages that take changes.
#[derive(Clone, Default)]
pub struct Reloads {
    pub sampler: sampler::Reload,
    pub enrich: enrich::Reload,
    pub export: export::Reload,
}

/// Reads the file again, and hands sampler and enrich what they can take.
pub struct Reloader {
    file: PathBuf,
    /// Those that run here.
    stages: Vec<Stage>,
    reloads: Reloads,
    bus: Arc<LiveBus>,
    /// What the file refers to, as of its last reading.
    files: Mutex<Vec<PathBuf>>,
    /// As it is in force: what needs a restart is as it was at the start.
    running: Mutex<Running>,
}

/// A configuration that is in force.
struct Running {
    /// Without its tenants.
    raw: RawConfig,
    tenants: Tenants,
}

impl Running {
    fn new(raw: &RawConfig) -> Self {
        let tenants = Tenants::new(&raw.tenants);
        let raw = without_tenants(raw);
        Self { raw, tenants }
    }
}

/// The same, but for the tenants: of them there may be thousands, and they are compared by themselves.
fn without_tenants(raw: &RawConfig) -> RawConfig {
    let mut raw = raw.clone();
    raw.tenants.clear();
    raw
}

/// What a reading came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Keys that take effect now.
    pub now: Vec<String>,
    /// Keys that take effect when the process logs in to the bus the next time.
    pub login: Vec<String>,
    /// Keys that wait for a restart.
    pub restart: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("takes effect now", &self.now),
            ("takes effect with the next login", &self.login),
            ("needs a restart", &self.restart),
        ];
        let told = parts.iter().filter(|(_, keys)| !keys.is_empty());
        let told: Vec<_> = told
            .map(|(what, keys)| format!("{what}: {}", keys.join(", ")))
            .collect();
        match told.is_empty() {
            true => f.write_str("nothing has changed"),
            false => f.write_str(&told.join("; ")),
        }
    }
}

/// The configuration that the process starts with is its first.
pub fn register() {
    gauge!(names::CONFIG_GENERATION).set(1.0);
    gauge!(names::CONFIG_LAST_RELOAD).set(1.0);
    counter!(names::CONFIG_RELOAD_FAILURES).increment(0);
}

impl Reloader {
    pub fn new(
        file: PathBuf,
        stages: &[Stage],
        config: &Config,
        reloads: Reloads,
        bus: Arc<LiveBus>,
    ) -> Self {
        Self {
            file,
            stages: stages.to_owned(),
            reloads,
            bus,
            files: Mutex::new(config.files.clone()),
            running: Mutex::new(Running::new(&config.raw)),
        }
    }

    /// Reads the file and applies what has changed.
    ///
    /// # Errors
    /// The file can't be read, or everything that is wrong in it, or those of its tests that fail; nothing changes then.
    pub fn reload(&self) -> anyhow::Result<Outcome> {
        let config = Config::read_for(Some(&self.file), &self.stages)?;
        // What the section of a stage that runs elsewhere says may lack variables that aren't set here.
        let runs = |stage| self.stages.contains(&stage);
        let tests = rehearsal::run(
            &config.raw.tests,
            runs(Stage::Sampler).then_some(&config.sampler),
            runs(Stage::Enrich).then_some((&config.enrich, &config.sampler.options.promote)),
            self.file.parent().unwrap_or(Path::new("")),
        );
        if let Some(failures) = rehearsal::failures(&tests) {
            anyhow::bail!("{failures}");
        }
        config.log_warnings();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = config.files;
        let login = self.bus.change(&config.bus);
        let Running { raw, tenants } = &mut *running;
        if let (Some(running), Some(next)) = (&mut raw.bus.kafka, &config.raw.bus.kafka) {
            running.take_secrets(next);
        }
        let mut outcome = changes(raw, &config.raw);
        let (now, restart) = tenants.changes(&config.raw.tenants);
        outcome.now.extend(now);
        outcome.restart.extend(restart);
        outcome.login = login.into_iter().map(str::to_owned).collect();
        if !outcome.now.is_empty() {
            let live = sampler::config::LIVE_KEYS;
            raw.sampler = with_live_keys(&raw.sampler, &config.raw.sampler, live)?;
            let live = enrich::LIVE_KEYS;
            raw.enrich = with_live_keys(&raw.enrich, &config.raw.enrich, live)?;
            tenants.take(&config.raw.tenants);
            raw.export = config.raw.export.clone();
            self.reloads.enrich.apply(&config.enrich);
            self.reloads.sampler.apply(config.sampler);
        }
        // Certificates change while the configuration stays as it is.
        self.reloads.export.apply(config.export);
        Ok(outcome)
    }

    /// A hash of the file and of those that it refers to; `None`: it can't be read just now.
    fn content(&self) -> Option<u64> {
        let bytes = std::fs::read(&self.file).ok()?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        for file in files.iter() {
            std::fs::read(file).ok().hash(&mut hasher);
        }
        Some(hasher.finish())
    }

    /// The same, said in the log.
    pub fn reload_and_log(&self, why: &str) -> Result<Outcome, String> {
        match self.reload() {
            Ok(outcome) => {
                gauge!(names::CONFIG_LAST_RELOAD).set(1.0);
                if !outcome.now.is_empty() {
                    gauge!(names::CONFIG_GENERATION).increment(1.0);
                }
                tracing::info!(why, %outcome, "configuration read again");
                Ok(outcome)
            }
            Err(error) => {
                gauge!(names::CONFIG_LAST_RELOAD).set(0.0);
                counter!(names::CONFIG_RELOAD_FAILURES).increment(1);
                let report = format!("{error:#}");
                tracing::error!(why, %report, "the configuration is wrong; nothing was changed");
                Err(report)
            }
        }
    }
}

/// Follows the file that the configuration was read from, if there is one.
///
/// # Errors
/// As [`watch`].
pub fn start(
    config: &Config,
    stages: &[Stage],
    reloads: &Reloads,
    bus: &Arc<LiveBus>,
    stop: &Drain,
) -> anyhow::Result<Option<Arc<Reloader>>> {
    let Some(file) = config.file.clone() else {
        return Ok(None);
    };
    let reloader = Reloader::new(file, stages, config, reloads.clone(), bus.clone());
    let reloader = Arc::new(reloader);
    watch(reloader.clone(), stop.clone()).context("cannot handle SIGHUP")?;
    Ok(Some(reloader))
}

/// Reads again on SIGHUP and when the file changes, until `stop`. (Without a file SIGHUP ends the process, as ever.)
///
/// # Errors
/// The system doesn't let us handle SIGHUP.
fn watch(reloader: Arc<Reloader>, stop: Drain) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        let mut seen = reloader.content();
        let mut before = seen;
        loop {
            let hung_up = tokio::select! {
                () = stop.requested() => return,
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let now = reloader.content();
            // A file that is being written changes twice: it counts when it has stood still for one look.
            let settled = now == before && now != seen && now.is_some();
            before = now;
            if hung_up || settled {
                seen = now;
                let why = if hung_up {
                    "SIGHUP"
                } else {
                    "the file has changed"
                };
                let reloader = reloader.clone();
                let reload = move || {
                    let _ = reloader.reload_and_log(why);
                    allocator::give_back();
                };
                let _ = tokio::task::spawn_blocking(reload).await;
            }
        }
    });
    Ok(())
}

/// The section with those keys of another that take effect while running.
fn with_live_keys<T: Serialize + DeserializeOwned>(
    running: &T,
    next: &T,
    live: &[&str],
) -> anyhow::Result<T> {
    let (mut running, next) = (serde_json::to_value(running)?, serde_json::to_value(next)?);
    for key in live {
        if let Some(value) = next.get(key) {
            running[*key] = value.clone();
        }
    }
    Ok(serde_json::from_value(running)?)
}

/// Which keys differ, tenants aside, and which of them sampler and enrich take while they run. Tests in the configuration change nothing that runs.
fn changes(running: &RawConfig, next: &RawConfig) -> Outcome {
    let mut outcome = Outcome {
        now: Vec::new(),
        login: Vec::new(),
        restart: Vec::new(),
    };
    // Of the secrets, those of the bus were compared before.
    let value =
        |raw: &RawConfig| with_marked_secrets(|| serde_json::to_value(raw)).unwrap_or_default();
    let (running, next) = (value(running), value(&without_tenants(next)));
    for (section, before, after) in differences(&running, &next) {
        if section == "tests" {
            continue;
        }
        let keys = differences(before, after);
        let live = match section {
            "sampler" => sampler::config::LIVE_KEYS,
            "enrich" => enrich::LIVE_KEYS,
            "export" => export::LIVE_KEYS,
            _ => &[],
        };
        if !live.is_empty() {
            for (key, ..) in keys {
                match live.contains(&key) {
                    true => outcome.now.push(format!("{section}.{key}")),
                    false => outcome.restart.push(format!("{section}.{key}")),
                }
            }
            continue;
        }
        let mut path = section.to_owned();
        if let [(key, ..)] = keys[..] {
            let _ = write!(path, ".{key}");
        }
        outcome.restart.push(path);
    }
    outcome
}

/// Keys of two maps whose values differ.
fn differences<'a>(a: &'a Value, b: &'a Value) -> Vec<(&'a str, &'a Value, &'a Value)> {
    let (Value::Object(a), Value::Object(b)) = (a, b) else {
        return Vec::new();
    };
    let keys = b
        .iter()
        .map(|(key, value)| (key.as_str(), a.get(key).unwrap_or(&Value::Null), value));
    keys.filter(|(_, a, b)| a != b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The defaults.
    const NOTHING_NEW: &str = "sampler: {policies: default}\n";

    fn reloader(name: &str, text: &str) -> (Reloader, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        let config = Config::read(Some(&file)).expect("a valid configuration");
        let bus = LiveBus::new(config.bus.clone());
        let reloads = Reloads::default();
        let reloader = Reloader::new(file, &Stage::ALL, &config, reloads, bus);
        (reloader, folder)
    }

    #[track_caller]
    fn check(before: &str, after: &str, now: &[&str], restart: &[&str]) {
        let (reloader, _folder) = reloader("tailwater.yaml", before);
        std::fs::write(&reloader.file, after).expect("a file");
        let outcome = reloader.reload().expect("a valid configuration");
        assert_eq!(outcome.now, now);
        assert_eq!(outcome.restart, restart);
        // What took effect has; what needs a restart is said again.
        let outcome = reloader.reload().expect("a valid configuration");
        assert!(outcome.now.is_empty(), "{outcome}");
        assert_eq!(outcome.restart, restart);
    }

    #[test]
    fn what_takes_effect_and_what_waits_for_a_restart_is_said() {
        check(NOTHING_NEW, NOTHING_NEW, &[], &[]);
        check("sampler: {decision_wait: 30s}", NOTHING_NEW, &[], &[]);
        check(
            NOTHING_NEW,
            "sampler: {decision_wait: 10s, workers: 3, policies: [{name: all, type: always_sample}]}",
            &["sampler.decision_wait", "sampler.policies"],
            &["sampler.workers"],
        );
        check(
            NOTHING_NEW,
            "shutdown: {deadline: 7s}",
            &[],
            &["shutdown.deadline"],
        );
    }

    #[test]
    fn steps_take_effect_while_running() {
        check(
            "enrich: {steps: [{filter: {trace_conditions: ['span.name == \"a\"']}}]}",
            "enrich: {steps: [{filter: {trace_conditions: ['span.name == \"b\"']}}], redact: {delete: [a]}}",
            &["enrich.steps"],
            &["enrich.redact"],
        );
    }

    /// Whichever of the two stages runs here, a test that it fails changes nothing; the other stage's isn't its business.
    #[test]
    fn tests_are_run_for_the_stages_that_run_here() {
        let tests = "tests: [{name: renamed, trace: [{name: a}], expect: {verdict: keep, span: {name: b}}}]\n";
        let reloaded = |stages: &[Stage], text: &str| {
            let (mut reloader, _folder) = reloader("tailwater.yaml", NOTHING_NEW);
            reloader.stages = stages.to_owned();
            std::fs::write(&reloader.file, format!("{text}{tests}")).expect("a file");
            reloader
                .reload()
                .map(drop)
                .map_err(|error| format!("{error:#}"))
        };
        let keep = "sampler: {policies: [{name: all, type: always_sample}]}\n";
        let rename =
            "enrich: {steps: [{transform: {trace_statements: ['set(span.name, \"b\")']}}]}\n";
        assert_eq!(reloaded(&[Stage::Sampler], keep), Ok(()));
        assert_eq!(reloaded(&[Stage::Enrich], rename), Ok(()));
        let failed = reloaded(&[Stage::Enrich], keep).expect_err("the name stays");
        assert!(
            failed.contains("span.name: expected \"b\", found \"a\""),
            "{failed}"
        );
        let both = [Stage::Sampler, Stage::Enrich];
        assert!(reloaded(&both, rename).is_err());
        assert_eq!(reloaded(&both, &format!("{keep}{rename}")), Ok(()));
    }

    #[test]
    fn policies_of_tenants_take_effect_while_running() {
        let all = "policies: [{name: all, type: always_sample}]";
        check(
            &format!(
                "tenants: {{shop: {{{all}, rate: 1MiB/s}}, old: {{{all}, budget: {{kept_bytes_per_day: 1GiB}}}}}}"
            ),
            &format!(
                "tenants: {{shop: {{rate: 2MiB/s}}, new: {{{all}, redact: {{delete: [a]}}}}}}"
            ),
            &[
                "tenants.new.policies",
                "tenants.old.budget",
                "tenants.old.policies",
                "tenants.shop.policies",
            ],
            &["tenants.new.redact", "tenants.shop.rate"],
        );
    }

    #[test]
    fn a_wrong_file_changes_nothing_and_says_all_that_is_wrong() {
        let (reloader, _folder) = reloader("tailwater.yaml", NOTHING_NEW);
        let wrong = "sampler:\n  decision_wait: 1ms\n  policies: [{name: a, type: lateness}]\n";
        std::fs::write(&reloader.file, wrong).expect("a file");
        let report = reloader.reload_and_log("a test").expect_err("it is wrong");
        let checked = Config::read(Some(&reloader.file))
            .map(|_| ())
            .expect_err("it is wrong");
        assert_eq!(report, format!("{checked:#}"));
        for part in ["decision_wait", "lateness"] {
            assert!(report.contains(part), "{report}");
        }
        std::fs::write(&reloader.file, NOTHING_NEW).expect("a file");
        let outcome = reloader.reload().expect("a valid configuration");
        assert_eq!(outcome.to_string(), "nothing has changed");
    }

    /// A secret in a file of its own is as good as one in the file itself, and neither is shown.
    #[test]
    fn a_secret_that_changes_takes_effect_with_the_next_login() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "first\n").expect("a file");
        let text = format!(
            "bus: {{kafka: {{brokers: [\"a:1\"], tls: {{}}, sasl: {{mechanism: PLAIN, username: u, password: \"${{file:{}}}\"}}}}}}",
            secret.display()
        );
        let (reloader, _folder) = reloader("tailwater.yaml", &text);
        let before = reloader.content();
        std::fs::write(&secret, "second\n").expect("a file");
        assert_ne!(reloader.content(), before, "it is watched");
        let outcome = reloader.reload().expect("a valid configuration");
        assert_eq!(
            outcome.to_string(),
            "takes effect with the next login: bus.kafka.sasl.password"
        );
        let bus::BusKind::Kafka(kafka) = reloader.bus.config().kind else {
            panic!("not Kafka");
        };
        let password = kafka.secrets().password.expect("a password").1;
        assert_eq!(password, "second");
        assert!(!format!("{kafka:?}").contains("second"));
        std::fs::remove_file(&secret).expect("removed");
        let report = reloader.reload_and_log("a test").expect_err("it is gone");
        let name = secret.display().to_string();
        assert!(
            report.contains(&name) && !report.contains("second"),
            "{report}"
        );
    }

    #[test]
    fn a_file_whose_own_tests_fail_changes_nothing() {
        let (reloader, _folder) = reloader("tailwater.yaml", NOTHING_NEW);
        let with = |status: &str| {
            format!(
                "sampler: {{policies: [{{name: errors, type: status_code, status_code: {{status_codes: [{status}]}}}}]}}\n\
                 tests: [{{name: a failure is kept, trace: [{{service: a, name: b, status: ERROR}}], expect: {{verdict: keep}}}}]\n"
            )
        };
        std::fs::write(&reloader.file, with("OK")).expect("a file");
        let report = reloader.reload_and_log("a test").expect_err("a test fails");
        for part in [
            "FAILED  a failure is kept",
            "- expected  keep",
            "+ found     drop",
        ] {
            assert!(report.contains(part), "{report}");
        }
        std::fs::write(&reloader.file, with("ERROR")).expect("a file");
        let outcome = reloader.reload().expect("its tests pass");
        assert_eq!(outcome.now, ["sampler.policies"]);
    }
}
