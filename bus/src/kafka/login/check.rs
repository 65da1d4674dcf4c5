//! What is wrong with the sections `tls` and `sasl`, each thing by its key below `bus.kafka`. Opens no file and no connection.

use credentials::RawOidc;

use super::config::{Mechanism, RawKafkaTls, RawOauth, RawSasl};

/// Key and message of each problem.
pub fn problems(tls: Option<&RawKafkaTls>, sasl: Option<&RawSasl>) -> Vec<(String, String)> {
    let mut problems = Found::default();
    if let Some(tls) = tls {
        problems.tls(tls);
    }
    if let Some(sasl) = sasl {
        problems.sasl(sasl);
    }
    problems.0
}

/// What works, and hardly anybody wants.
pub fn doubts(tls: Option<&RawKafkaTls>, sasl: Option<&RawSasl>) -> Vec<(String, String)> {
    let mut doubts = Found::default();
    let Some(sasl) = sasl else {
        return doubts.0;
    };
    let sends_secret = matches!(
        sasl.mechanism,
        Some(Mechanism::Plain | Mechanism::OauthBearer)
    );
    if tls.is_none() && sends_secret {
        doubts.push(
            "sasl.mechanism",
            "sends what it logs in with as it is, and without `tls` anybody on the way can read it; add `tls: {}`, or use SCRAM",
        );
    }
    let oidc = sasl.oauth.as_ref().and_then(|oauth| oauth.oidc.as_ref());
    if oidc.is_some_and(RawOidc::is_readable_by_others) {
        doubts.push("sasl.oauth.oidc.token_url", RawOidc::OVER_PLAIN_HTTP);
    }
    doubts.0
}

#[derive(Default)]
struct Found(Vec<(String, String)>);

impl Found {
    fn push(&mut self, key: &str, message: impl Into<String>) {
        self.0.push((key.to_owned(), message.into()));
    }

    fn tls(&mut self, tls: &RawKafkaTls) {
        let files = [
            ("tls.ca_file", &tls.ca_file),
            ("tls.cert_file", &tls.cert_file),
            ("tls.key_file", &tls.key_file),
        ];
        for (key, file) in files {
            if file
                .as_ref()
                .is_some_and(|file| file.as_os_str().is_empty())
            {
                self.push(key, "is empty; name a file, or leave it out");
            }
        }
        match (&tls.cert_file, &tls.key_file) {
            (Some(_), None) => self.push(
                "tls.cert_file",
                "has no key; name the certificate's private key in key_file",
            ),
            (None, Some(_)) => self.push(
                "tls.key_file",
                "has no certificate; name the key's certificate in cert_file",
            ),
            _ => {}
        }
    }

    fn sasl(&mut self, sasl: &RawSasl) {
        let Some(mechanism) = sasl.mechanism else {
            return self.push(
                "sasl",
                "names no mechanism; write mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
            );
        };
        if mechanism == Mechanism::OauthBearer {
            return self.oauth_bearer(sasl);
        }
        let name = mechanism.name();
        if sasl.username.as_ref().is_none_or(String::is_empty) {
            self.push("sasl.username", format!("is missing; {name} needs a user"));
        }
        if sasl.password.0.is_empty() {
            self.push(
                "sasl.password",
                format!("is missing or empty; {name} needs a password, as in \"${{file:/run/secrets/kafka}}\""),
            );
        }
        if sasl.oauth.is_some() {
            self.push(
                "sasl.oauth",
                format!("is not used by {name}; remove it, or set mechanism: OAUTHBEARER"),
            );
        }
    }

    fn oauth_bearer(&mut self, sasl: &RawSasl) {
        let unused = "is not used by OAUTHBEARER, which logs in by a token; remove it";
        if sasl.username.is_some() {
            self.push("sasl.username", unused);
        }
        if !sasl.password.0.is_empty() {
            self.push("sasl.password", unused);
        }
        match &sasl.oauth {
            Some(oauth) => self.oauth(oauth),
            None => self.push(
                "sasl.oauth",
                "is missing; OAUTHBEARER needs a token: name token_file, oidc or msk_iam",
            ),
        }
    }

    fn oauth(&mut self, oauth: &RawOauth) {
        let sources = [
            oauth.token_file.is_some(),
            oauth.oidc.is_some(),
            oauth.msk_iam.is_some(),
        ];
        match sources.iter().filter(|source| **source).count() {
            0 => self.push(
                "sasl.oauth",
                "names no source of tokens; name token_file, oidc or msk_iam",
            ),
            1 => {}
            _ => self.push(
                "sasl.oauth",
                "names several sources of tokens; keep one of token_file, oidc and msk_iam",
            ),
        }
        let file = oauth.token_file.as_ref();
        if file.is_some_and(|file| file.as_os_str().is_empty()) {
            self.push("sasl.oauth.token_file", "is empty; name a file");
        }
        if let Some(oidc) = &oauth.oidc {
            for (key, message) in oidc.problems() {
                self.push(&format!("sasl.oauth.oidc.{key}"), message);
            }
        }
        if let Some(msk) = &oauth.msk_iam {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if msk.region.is_empty() || !msk.region.chars().all(fits) {
                self.push(
                    "sasl.oauth.msk_iam.region",
                    format!("{:?} is no region; write it as eu-central-1", msk.region),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Secret;

    use super::super::config::RawMskIam;
    use super::*;

    fn check(tls: Option<RawKafkaTls>, sasl: Option<RawSasl>, keys: &[&str]) {
        let found = problems(tls.as_ref(), sasl.as_ref());
        let found: Vec<_> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(found, keys, "{tls:?} {sasl:?}");
    }

    fn sasl(mechanism: Mechanism, change: impl FnOnce(&mut RawSasl)) -> Option<RawSasl> {
        let mut sasl = RawSasl {
            mechanism: Some(mechanism),
            ..RawSasl::default()
        };
        change(&mut sasl);
        Some(sasl)
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_once() {
        check(Some(RawKafkaTls::default()), None, &[]);
        let half = RawKafkaTls {
            ca_file: Some("".into()),
            cert_file: Some("/c".into()),
            key_file: None,
        };
        check(
            Some(half),
            sasl(Mechanism::Plain, |_| ()),
            &[
                "tls.ca_file",
                "tls.cert_file",
                "sasl.username",
                "sasl.password",
            ],
        );
        check(None, Some(RawSasl::default()), &["sasl"]);
        check(
            None,
            sasl(Mechanism::ScramSha256, |sasl| {
                sasl.username = Some("u".into());
                sasl.password = Secret("p".into());
                sasl.oauth = Some(RawOauth::default());
            }),
            &["sasl.oauth"],
        );
    }

    #[test]
    fn a_token_has_one_source() {
        let oauth = |oauth: RawOauth| sasl(Mechanism::OauthBearer, |sasl| sasl.oauth = Some(oauth));
        check(
            None,
            sasl(Mechanism::OauthBearer, |sasl| {
                sasl.username = Some("u".into())
            }),
            &["sasl.username", "sasl.oauth"],
        );
        check(None, oauth(RawOauth::default()), &["sasl.oauth"]);
        let file = RawOauth {
            token_file: Some("/t".into()),
            ..RawOauth::default()
        };
        check(None, oauth(file.clone()), &[]);
        let both = RawOauth {
            msk_iam: Some(RawMskIam {
                region: "Paris".into(),
            }),
            ..file
        };
        check(
            None,
            oauth(both),
            &["sasl.oauth", "sasl.oauth.msk_iam.region"],
        );
        let oidc = RawOauth {
            oidc: Some(RawOidc {
                token_url: "idp/token".into(),
                ..RawOidc::default()
            }),
            ..RawOauth::default()
        };
        let keys =
            ["token_url", "client_id", "client_secret"].map(|key| format!("sasl.oauth.oidc.{key}"));
        check(None, oauth(oidc), &keys.each_ref().map(String::as_str));
    }

    #[test]
    fn secrets_in_plain_text_are_doubted() {
        let plain = sasl(Mechanism::Plain, |_| ());
        assert_eq!(doubts(None, plain.as_ref()).len(), 1);
        assert_eq!(
            doubts(Some(&RawKafkaTls::default()), plain.as_ref()).len(),
            0
        );
        assert_eq!(
            doubts(None, sasl(Mechanism::ScramSha512, |_| ()).as_ref()).len(),
            0
        );
    }
}
