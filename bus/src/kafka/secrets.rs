//! Which values of the `bus.kafka` section take effect while everything runs: what one logs in with, and not how.

use runtime::config::Secret;

use super::config::RawKafka;
use crate::Secrets;

impl RawKafka {
    /// User, password and the secret for tokens, wherever they are written.
    pub fn secrets(&self) -> Secrets {
        let written = |key: &str| self.properties.get(key).cloned();
        let sasl = self.sasl.as_deref();
        let user = sasl.and_then(|sasl| sasl.username.clone());
        let password = sasl.map(|sasl| sasl.password.0.clone());
        let password = password.filter(|password| !password.is_empty());
        let oauth = sasl.and_then(|sasl| sasl.oauth.as_ref());
        let oidc = oauth.and_then(|oauth| oauth.oidc.as_ref());
        Secrets {
            password: written("sasl.username")
                .or(user)
                .zip(written("sasl.password").or(password)),
            client_secret: oidc.map(|oidc| oidc.client_secret.0.clone()),
        }
    }

    /// Takes the values that may change from `next`; the keys of those that did.
    pub fn take_secrets(&mut self, next: &Self) -> Vec<&'static str> {
        let mut taken = Vec::new();
        for (property, key) in [
            ("sasl.username", "bus.kafka.properties.sasl.username"),
            ("sasl.password", "bus.kafka.properties.sasl.password"),
        ] {
            let (here, there) = (
                self.properties.get_mut(property),
                next.properties.get(property),
            );
            if let (Some(here), Some(there)) = (here, there)
                && here != there
            {
                here.clone_from(there);
                taken.push(key);
            }
        }
        let (Some(here), Some(there)) = (&mut self.sasl, &next.sasl) else {
            return taken;
        };
        if here.username.is_some() && there.username.is_some() && here.username != there.username {
            here.username.clone_from(&there.username);
            taken.push("bus.kafka.sasl.username");
        }
        let mut take = |here: &mut Secret, there: &Secret, key| {
            let both = !here.0.is_empty() && !there.0.is_empty();
            if both && here != there {
                here.clone_from(there);
                taken.push(key);
            }
        };
        take(
            &mut here.password,
            &there.password,
            "bus.kafka.sasl.password",
        );
        let oidc = here.oauth.as_mut().and_then(|oauth| oauth.oidc.as_mut());
        let next = there.oauth.as_ref().and_then(|oauth| oauth.oidc.as_ref());
        if let (Some(here), Some(there)) = (oidc, next) {
            let key = "bus.kafka.sasl.oauth.oidc.client_secret";
            take(&mut here.client_secret, &there.client_secret, key);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::{Mechanism, RawOauth, RawOidc, RawSasl};

    fn kafka(user: &str, password: &str, secret: &str) -> RawKafka {
        let oidc = RawOidc {
            client_secret: Secret(secret.to_owned()),
            ..RawOidc::default()
        };
        RawKafka {
            sasl: Some(Box::new(RawSasl {
                mechanism: Some(Mechanism::Plain),
                username: Some(user.to_owned()),
                password: Secret(password.to_owned()),
                oauth: Some(RawOauth {
                    oidc: Some(oidc),
                    ..RawOauth::default()
                }),
            })),
            ..RawKafka::default()
        }
    }

    #[test]
    fn what_one_logs_in_with_is_taken_and_named() {
        let mut running = kafka("u", "p", "s");
        assert_eq!(running.take_secrets(&kafka("u", "p", "s")), [""; 0]);
        let mut next = kafka("v", "q", "t");
        next.create_topics = Some(false);
        let taken = running.take_secrets(&next);
        let keys = ["username", "password", "oauth.oidc.client_secret"];
        assert_eq!(taken, keys.map(|key| format!("bus.kafka.sasl.{key}")));
        assert_eq!(running.create_topics, None, "nothing else is taken");
        assert_eq!(running.secrets(), next.secrets());
        assert_eq!(
            running.take_secrets(&kafka("v", "", "t")),
            [""; 0],
            "one that is gone"
        );
    }

    /// A configuration that logs in by properties alone, as those of before do.
    #[test]
    fn properties_are_taken_too() {
        let with = |password: &str| {
            let mut kafka = RawKafka::default();
            for (key, value) in [("sasl.username", "u"), ("sasl.password", password)] {
                kafka.properties.insert(key.to_owned(), value.to_owned());
            }
            kafka
        };
        let mut running = with("p");
        let taken = running.take_secrets(&with("q"));
        assert_eq!(taken, ["bus.kafka.properties.sasl.password"]);
        assert_eq!(running.secrets().password, Some(("u".into(), "q".into())));
        let shown = format!("{running:?}");
        assert!(
            !shown.contains("\"q\"") && shown.contains("****"),
            "{shown}"
        );
    }
}
