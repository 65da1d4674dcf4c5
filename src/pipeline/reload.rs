//! A change of the configuration while a process runs: on SIGHUP, when the file changes, or when the admin endpoint is told to (`POST /config`).
//!
//! The file is what counts, since a restart reads it too: nothing is taken from anywhere else. A file that is wrong, or whose own tests fail, changes nothing
//! and is reported as `tailwater check` reports it. What can't change while running is named, and waits for the restart.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use metrics::{counter, gauge};
use runtime::{Drain, names};
use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};

use super::live_bus::LiveBus;
use crate::config::{Config, RawConfig, RawTenant, RawTenants};
use crate::rehearsal;
use crate::stage::Stage;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Reads the file again, and hands the sampler what it can take.
pub struct Reloader {
    file: PathBuf,
    /// Those that run here.
    stages: Vec<Stage>,
    sampler: sampler::Reload,
    bus: Arc<LiveBus>,
    /// What the file refers to, as of its last reading.
    files: Mutex<Vec<PathBuf>>,
    /// As it is in force: what needs a restart is as it was at the start.
    running: Mutex<RawConfig>,
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
            ("takes effect with the next epoch", &self.now),
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
        sampler: sampler::Reload,
        bus: Arc<LiveBus>,
    ) -> Self {
        Self {
            file,
            stages: stages.to_owned(),
            sampler,
            bus,
            files: Mutex::new(config.files.clone()),
            running: Mutex::new(config.raw.clone()),
        }
    }

    /// Reads the file and applies what has changed.
    ///
    /// # Errors
    /// The file can't be read, or everything that is wrong in it, or those of its tests that fail; nothing changes then.
    pub fn reload(&self) -> anyhow::Result<Outcome> {
        let config = Config::read_for(Some(&self.file), &self.stages)?;
        // What the sampler's section says elsewhere may lack variables that aren't set here.
        if self.stages.contains(&Stage::Sampler) {
            let folder = self.file.parent().unwrap_or(Path::new(""));
            let tests = rehearsal::run(&config.raw.tests, &config.sampler, folder);
            if let Some(failures) = rehearsal::failures(&tests) {
                anyhow::bail!("{failures}");
            }
        }
        config.log_warnings();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = config.files;
        let login = self.bus.change(&config.bus);
        if let (Some(running), Some(next)) = (&mut running.bus.kafka, &config.raw.bus.kafka) {
            running.take_secrets(next);
        }
        let mut outcome = changes(&running, &config.raw);
        outcome.login = login.into_iter().map(str::to_owned).collect();
        if !outcome.now.is_empty() {
            running.sampler = with_live_keys(&running.sampler, &config.raw.sampler)?;
            running.tenants = with_policies(&running.tenants, &config.raw.tenants);
            self.sampler.apply(config.sampler);
        }
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
    sampler: &sampler::Reload,
    bus: &Arc<LiveBus>,
    stop: &Drain,
) -> anyhow::Result<Option<Arc<Reloader>>> {
    let Some(file) = config.file.clone() else {
        return Ok(None);
    };
    let reloader = Reloader::new(file, stages, config, sampler.clone(), bus.clone());
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
                let _ = tokio::task::spawn_blocking(move || reloader.reload_and_log(why)).await;
            }
        }
    });
    Ok(())
}

/// The section with those keys of another that take effect while running.
fn with_live_keys(
    running: &sampler::RawConfig,
    next: &sampler::RawConfig,
) -> anyhow::Result<sampler::RawConfig> {
    let (mut running, next) = (serde_json::to_value(running)?, serde_json::to_value(next)?);
    for key in sampler::config::LIVE_KEYS {
        if let Some(value) = next.get(key) {
            running[key] = value.clone();
        }
    }
    Ok(serde_json::from_value(running)?)
}

/// The section with the policies and budgets of another.
fn with_policies(running: &RawTenants, next: &RawTenants) -> RawTenants {
    let mut running = running.clone();
    for (name, tenant) in &mut running {
        let next = next.get(name).cloned().unwrap_or_default();
        (tenant.policies, tenant.budget) = (next.policies, next.budget);
    }
    for (name, tenant) in next {
        let new = RawTenant {
            policies: tenant.policies.clone(),
            budget: tenant.budget.clone(),
            ..RawTenant::default()
        };
        running.entry(name.clone()).or_insert(new);
    }
    running
}

/// Which keys of tenants differ: the sampler takes their policies and budgets while it runs.
fn tenant_changes(running: &Value, next: &Value, outcome: &mut Outcome) {
    let entries = |tenants: &Value| tenants.as_object().cloned().unwrap_or_default();
    let (running, next) = (entries(running), entries(next));
    let nothing = serde_json::json!({});
    let names: BTreeSet<_> = running.keys().chain(next.keys()).collect();
    for name in names {
        let before = running.get(name).unwrap_or(&nothing);
        let after = next.get(name).unwrap_or(&nothing);
        let keys: BTreeSet<_> = [before, after]
            .into_iter()
            .flat_map(|tenant| tenant.as_object().into_iter().flat_map(Map::keys))
            .collect();
        for key in keys {
            let differs =
                before.get(key).unwrap_or(&Value::Null) != after.get(key).unwrap_or(&Value::Null);
            if differs {
                let path = format!("tenants.{name}.{key}");
                match key.as_str() {
                    "policies" | "budget" => outcome.now.push(path),
                    _ => outcome.restart.push(path),
                }
            }
        }
    }
}

/// Which keys differ, and which of them the sampler takes while it runs. Tests in the configuration change nothing that runs.
fn changes(running: &RawConfig, next: &RawConfig) -> Outcome {
    let mut outcome = Outcome {
        now: Vec::new(),
        login: Vec::new(),
        restart: Vec::new(),
    };
    let value = |raw: &RawConfig| serde_json::to_value(raw).unwrap_or_default();
    let (running, next) = (value(running), value(next));
    tenant_changes(&running["tenants"], &next["tenants"], &mut outcome);
    for (section, before, after) in differences(&running, &next) {
        if section == "tests" || section == "tenants" {
            continue;
        }
        let keys = differences(before, after);
        if section == "sampler" {
            for (key, ..) in keys {
                match sampler::config::LIVE_KEYS.contains(&key) {
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
        let sampler = sampler::Reload::default();
        let reloader = Reloader::new(file, &Stage::ALL, &config, sampler, bus);
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
