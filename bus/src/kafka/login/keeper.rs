//! What the clients of one bus log in with, kept fresh while they live: tokens before they end, files when they change.
//!
//! One thread looks once a second, where there is anything to look at.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use credentials::Token;
use rdkafka::client::{Client, ClientContext};
use runtime::names;

use super::certificates::{Ends, Files};
use super::clients::{Clients, Credential, Registered};
use super::oauth::Source;
use crate::Secrets;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a first failure to get a token; doubled up to the second with each that follows.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(60);

/// A client that lives long and is seldom used: it is told of other certificates, where others look by themselves.
pub trait Renew: Send + Sync {
    /// There are other certificates.
    fn renew(&self);
}

/// Shared by all clients of one bus.
pub struct Login {
    clients: Arc<Clients>,
    files: Option<Files>,
    /// Rises with each change of the files that is of use: clients of an older one know only the old files.
    generation: AtomicU64,
    told_of_change: Mutex<Vec<Weak<dyn Renew>>>,
    state: Mutex<State>,
}

/// Without what it holds.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(****)")
    }
}

struct State {
    source: Option<Source>,
    token: Option<Token>,
    /// When the next token is to be fetched.
    next: Instant,
    /// Why there is no newer token, and how often that failed in a row.
    failing: Option<(String, u32)>,
    /// What the files held when they were last judged, and at the last look.
    judged: Option<u64>,
    seen: Option<u64>,
    ends: Vec<Ends>,
}

impl Login {
    /// With a password or nothing, it is ready at once; with a token, when the first one is there.
    ///
    /// # Errors
    /// Which file can't be used, or why there is no token.
    pub fn open(
        password: Option<Credential>,
        source: Option<Source>,
        files: Option<Files>,
    ) -> Result<Arc<Self>, String> {
        register();
        let ends = match &files {
            Some(files) => files.check(SystemTime::now())?,
            None => Vec::new(),
        };
        let content = files.as_ref().and_then(Files::content);
        let login = Self {
            clients: Arc::default(),
            files,
            generation: AtomicU64::new(0),
            told_of_change: Mutex::default(),
            state: Mutex::new(State {
                source,
                token: None,
                next: Instant::now(),
                failing: None,
                judged: content,
                seen: content,
                ends,
            }),
        };
        if let Some(password) = password {
            login.clients.renew(password);
        }
        login.first_token()?;
        let login = Arc::new(login);
        if login.files.is_some() || login.state().source.is_some() {
            keep(Arc::downgrade(&login));
        }
        Ok(login)
    }

    fn first_token(&self) -> Result<(), String> {
        let Some(source) = self.state().source.clone() else {
            return Ok(());
        };
        let token = source.token().inspect_err(|_| count_failure())?;
        self.take(token);
        Ok(())
    }

    /// Another password, or another secret for tokens; how one logs in stays.
    pub fn change(&self, secrets: &Secrets) {
        if let (Some((user, password)), Some(Credential::Password { .. })) =
            (&secrets.password, self.clients.credential())
        {
            self.clients.renew(Credential::Password {
                user: user.clone(),
                password: password.clone(),
            });
        }
        let mut state = self.state();
        if let (Some(Source::Oidc(oidc)), Some(secret)) =
            (&mut state.source, &secrets.client_secret)
            && oidc.client_secret.0 != *secret
        {
            oidc.client_secret.0.clone_from(secret);
            state.next = Instant::now();
        }
    }

    /// From here on the client is handed what it logs in with. What is returned has to go before it.
    pub fn register<C: ClientContext>(&self, client: &Client<C>) -> Registered {
        self.clients.register(client)
    }

    pub fn credential(&self) -> Option<Credential> {
        self.clients.credential()
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// From now on the client is told of other certificates, as long as it lives.
    pub fn tell(&self, client: Weak<dyn Renew>) {
        let told = self.told_of_change.lock();
        let mut told = told.unwrap_or_else(PoisonError::into_inner);
        told.retain(|one| one.strong_count() > 0);
        told.push(client);
    }

    fn tell_all(&self) {
        let told = self.told_of_change.lock();
        let told = told.unwrap_or_else(PoisonError::into_inner);
        let alive: Vec<_> = told.iter().filter_map(Weak::upgrade).collect();
        drop(told);
        for client in alive {
            client.renew();
        }
    }

    /// Why nobody can log in any more: there is no token whose time isn't over.
    pub fn told(&self) -> Option<String> {
        let state = self.state();
        let (why, _) = state.failing.as_ref()?;
        let left = state
            .token
            .as_ref()
            .and_then(|token| token.left(SystemTime::now()));
        left.is_none()
            .then(|| format!("the login to kafka has expired: {why}"))
    }

    fn look(&self) {
        self.look_at_files();
        let due = {
            let state = self.state();
            let now = Instant::now();
            let watched = |source: &&Source| source.is_watched() || now >= state.next;
            state.source.as_ref().filter(watched).cloned()
        };
        if let Some(source) = due {
            match source.token() {
                Ok(token) => self.take(token),
                Err(why) => self.failed(why),
            }
        }
        self.show();
    }

    fn take(&self, token: Token) {
        let mut state = self.state();
        state.next = Instant::now() + token.refresh_after(SystemTime::now());
        if let Some((_, times)) = state.failing.take() {
            tracing::info!(
                failures = times,
                "a new token for the login to kafka is there again"
            );
        }
        if state.token.as_ref() != Some(&token) {
            tracing::debug!(?token, "a new token for the login to kafka");
            state.token = Some(token.clone());
            drop(state);
            self.clients.renew(Credential::Token(token));
        }
    }

    fn failed(&self, why: String) {
        let mut state = self.state();
        let watched = state.source.as_ref().is_some_and(Source::is_watched);
        let times = state.failing.as_ref().map_or(0, |(_, times)| *times);
        if times == 0 {
            let left_s = state
                .token
                .as_ref()
                .and_then(|token| token.left(SystemTime::now()));
            let left_s = left_s.unwrap_or_default().as_secs();
            tracing::error!(reason = %why, left_s, "no new token for the login to kafka; trying again, and the old one is used until its end");
        }
        // A file that stays wrong is one failure, however often it is looked at.
        if !watched || times == 0 {
            count_failure();
        }
        let wait = AGAIN_AFTER.saturating_mul(1 << times.min(4));
        state.next = Instant::now() + wait.min(AGAIN_AFTER_MAX);
        state.failing = Some((why, times.saturating_add(1)));
    }

    fn look_at_files(&self) {
        let Some(files) = &self.files else {
            return;
        };
        let content = files.content();
        let mut state = self.state();
        // Files that are being replaced change one after the other: they count once they have stood still for one look.
        let settled = content.is_some() && content == state.seen && content != state.judged;
        state.seen = content;
        if !settled {
            return;
        }
        state.judged = content;
        match files.check(SystemTime::now()) {
            Ok(ends) => {
                state.ends = ends;
                self.generation.fetch_add(1, Ordering::AcqRel);
                metrics::counter!(names::KAFKA_CERTIFICATE_RELOADS, "result" => "ok").increment(1);
                tracing::info!("the certificates for kafka have changed; clients are made anew");
                drop(state);
                self.tell_all();
            }
            Err(reason) => {
                metrics::counter!(names::KAFKA_CERTIFICATE_RELOADS, "result" => "failed")
                    .increment(1);
                tracing::error!(
                    reason,
                    "the certificates for kafka have changed and can't be used; the old ones stay"
                );
            }
        }
    }

    /// Gauges that fall with time.
    fn show(&self) {
        let (state, now) = (self.state(), SystemTime::now());
        let left = |at: SystemTime| match at.duration_since(now) {
            Ok(left) => left.as_secs_f64(),
            Err(over) => -over.duration().as_secs_f64(),
        };
        if let Some(token) = &state.token {
            metrics::gauge!(names::KAFKA_TOKEN_EXPIRY).set(left(token.expires));
        }
        for ends in &state.ends {
            metrics::gauge!(names::KAFKA_CERTIFICATE_EXPIRY, "file" => ends.file)
                .set(left(ends.at));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks until the bus is gone.
fn keep(login: Weak<Login>) {
    let started = thread::Builder::new()
        .name("kafka-login".to_owned())
        .spawn(move || {
            loop {
                thread::sleep(LOOK_EVERY);
                match login.upgrade() {
                    Some(login) => login.look(),
                    None => return,
                }
            }
        });
    if let Err(error) = started {
        tracing::error!(%error, "can't start the thread that renews the login to kafka; what changes needs a restart");
    }
}

/// Its counters, with 0, from the start.
fn register() {
    metrics::counter!(names::KAFKA_TOKEN_FAILURES).absolute(0);
    for result in ["ok", "failed"] {
        metrics::counter!(names::KAFKA_CERTIFICATE_RELOADS, "result" => result).absolute(0);
    }
}

fn count_failure() {
    metrics::counter!(names::KAFKA_TOKEN_FAILURES).increment(1);
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn jwt(sub: &str, expires: SystemTime) -> String {
        let seconds = expires
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("later")
            .as_secs();
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let payload = format!(r#"{{"sub":"{sub}","exp":{seconds}}}"#);
        format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&payload))
    }

    fn principal(login: &Login) -> String {
        match login.credential() {
            Some(Credential::Token(token)) => token.principal,
            _ => "nobody".to_owned(),
        }
    }

    /// A file that changes is followed; one that is wrong is told only once nobody can log in by the old token any more.
    #[test]
    fn a_token_file_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, soon) = (
            folder.path().join("token"),
            SystemTime::now() + Duration::from_secs(600),
        );
        let open = || Login::open(None, Some(Source::File(file.clone())), None);
        let why = open().expect_err("no file yet");
        assert!(why.contains("token: No such file"), "{why}");
        std::fs::write(&file, jwt("first", soon)).expect("written");
        let login = open().expect("a token");
        assert_eq!(principal(&login), "first");
        std::fs::write(&file, jwt("second", soon)).expect("written");
        login.look();
        assert_eq!(principal(&login), "second");
        std::fs::write(&file, "").expect("written");
        login.look();
        assert_eq!(principal(&login), "second");
        assert_eq!(login.told(), None, "it is good for ten minutes");
        login.state().token.as_mut().expect("a token").expires = SystemTime::now();
        let told = login.told().expect("it is over");
        assert!(told.contains("it is empty"), "{told}");
        std::fs::write(&file, jwt("third", soon)).expect("written");
        login.look();
        assert_eq!(
            (principal(&login), login.told()),
            ("third".to_owned(), None)
        );
    }

    /// A secret that is wrong is not tried again at once, and less and less often.
    #[test]
    fn failures_are_further_and_further_apart() {
        let login = Login::open(None, None, None).expect("nothing to open");
        let waits: Vec<_> = (0..6)
            .map(|_| {
                login.failed("refused".to_owned());
                let wait = login.state().next.saturating_duration_since(Instant::now());
                wait.as_secs_f64().round() as u64
            })
            .collect();
        assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn a_changed_password_is_handed_over() {
        let password = |password: &str| {
            Some(Credential::Password {
                user: "u".to_owned(),
                password: password.to_owned(),
            })
        };
        let secrets = Secrets {
            password: Some(("u".to_owned(), "b".to_owned())),
            client_secret: None,
        };
        let login = Login::open(password("a"), None, None).expect("open");
        login.change(&secrets);
        assert!(login.credential() == password("b"));
        let without = Login::open(None, None, None).expect("open");
        without.change(&secrets);
        assert!(
            without.credential().is_none(),
            "nobody logs in by a password"
        );
    }
}
