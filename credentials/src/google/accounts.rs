//! Files of credentials: a service account, which signs for itself, or a user, who has a refresh token.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::json;

use crate::form;
use crate::http::exchange;
use crate::jwt;
use crate::oauth::{self, Advice};
use crate::token::Token;

const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// As long as Google takes an assertion for.
const ASSERTION_S: u64 = 3600;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Account {
    ServiceAccount(ServiceAccount),
    AuthorizedUser(User),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

#[derive(Deserialize)]
struct User {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    token_uri: Option<String>,
}

/// The file is read each time: it may have been replaced.
pub fn of_file(file: &Path, scope: &str, now: SystemTime) -> Result<Token, String> {
    let shown = file.display();
    let text = std::fs::read(file).map_err(|e| format!("reading {shown}: {e}"))?;
    // The parser's own words may quote the file.
    let account: Account = serde_json::from_slice(&text).map_err(|error| {
        format!(
            "reading {shown}: it is no file of Google credentials (line {}): a service account's or a user's has `type` and its keys",
            error.line()
        )
    })?;
    match account {
        Account::ServiceAccount(account) => account.token(scope, now).map_err(|why| {
            let email = &account.client_email;
            format!("asking for a Google token by the service account {email} of {shown}: {why}")
        }),
        Account::AuthorizedUser(user) => user.token(now).map_err(|why| {
            format!("asking for a Google token by the refresh token of {shown}: {why}")
        }),
        Account::Other => Err(format!(
            "reading {shown}: its `type` is neither service_account nor authorized_user; other kinds can't be used"
        )),
    }
}

impl ServiceAccount {
    /// RFC 7523, section 2.1.
    fn token(&self, scope: &str, now: SystemTime) -> Result<Token, String> {
        let url = self.token_uri.as_deref().unwrap_or(TOKEN_URI);
        let issued = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = json!({
            "iss": self.client_email,
            "scope": scope,
            "aud": url,
            "iat": issued,
            "exp": issued + ASSERTION_S,
        });
        let assertion = jwt::signed(&claims, &self.private_key, self.private_key_id.as_deref())?;
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", &*assertion),
        ];
        const ADVICE: Advice = Advice {
            refused: "make a new key if that one was deleted, and compare this machine's clock",
            no_token: "is token_uri Google's?",
        };
        ask(url, &fields, now, &ADVICE)
    }
}

impl User {
    fn token(&self, now: SystemTime) -> Result<Token, String> {
        let url = self.token_uri.as_deref().unwrap_or(TOKEN_URI);
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", &*self.client_id),
            ("client_secret", &*self.client_secret),
            ("refresh_token", &*self.refresh_token),
        ];
        const ADVICE: Advice = Advice {
            refused: "log in anew: gcloud auth application-default login",
            no_token: "is token_uri Google's?",
        };
        ask(url, &fields, now, &ADVICE)
    }
}

fn ask(
    url: &str,
    fields: &[(&str, &str)],
    now: SystemTime,
    advice: &Advice,
) -> Result<Token, String> {
    form::post(url, fields)
        .and_then(|request| exchange(request, None))
        .and_then(|answer| oauth::token(&answer, now, advice))
        .map_err(|why| format!("{url}: {why}"))
}
