//! Microsoft Entra's token endpoint: a client that proves who it is.

use std::time::SystemTime;

use crate::form::{self, read_trimmed};
use crate::http::exchange;
use crate::oauth::{self, Advice};
use crate::token::Token;

pub const AUTHORITY: &str = "https://login.microsoftonline.com";
const ADVICE: Advice = Advice {
    refused: "correct tenant, client or secret, or the federated credential's issuer and subject",
    no_token: "is authority_host right?",
};

/// By which a client proves who it is.
pub enum Proof {
    Secret(String),
    /// The path of a file with a token of an issuer that Entra trusts; it is read each time.
    Federated(String),
}

pub struct Client<'a> {
    pub authority: &'a str,
    pub tenant: &'a str,
    pub id: &'a str,
    pub proof: &'a Proof,
}

impl Client<'_> {
    pub fn token(&self, scope: &str, now: SystemTime) -> Result<Token, String> {
        let authority = self.authority.trim_end_matches('/');
        let url = format!("{authority}/{}/oauth2/v2.0/token", self.tenant);
        let by = match self.proof {
            Proof::Secret(_) => "its secret".to_owned(),
            Proof::Federated(file) => format!("the token in {file}"),
        };
        self.ask(&url, scope, now).map_err(|why| {
            let id = self.id;
            format!("asking {url} for an Entra token for client {id} by {by}: {why}")
        })
    }

    fn ask(&self, url: &str, scope: &str, now: SystemTime) -> Result<Token, String> {
        let common = [
            ("grant_type", "client_credentials"),
            ("client_id", self.id),
            ("scope", scope),
        ];
        let request = match self.proof {
            Proof::Secret(secret) => {
                let own = [("client_secret", &**secret)];
                form::post(url, &[&common[..], &own].concat())
            }
            Proof::Federated(file) => {
                let assertion = read_trimmed(file)?;
                let own = [
                    (
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    ),
                    ("client_assertion", &*assertion),
                ];
                form::post(url, &[&common[..], &own].concat())
            }
        };
        let answer = exchange(request?, None)?;
        oauth::token(&answer, now, &ADVICE)
    }
}
