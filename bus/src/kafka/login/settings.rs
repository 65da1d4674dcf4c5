//! What `tls` and `sasl` mean in librdkafka's properties.

use std::collections::BTreeMap;

use super::config::{Mechanism, RawKafkaTls, RawSasl};

/// Where a property comes from: the key below `bus.kafka` that says it, and its value.
pub struct Setting {
    pub property: &'static str,
    pub from: &'static str,
    pub value: String,
}

/// Values of these are never printed.
pub const SECRET: &[&str] = &[
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
];

/// The properties that the two sections make.
pub fn settings(tls: Option<&RawKafkaTls>, sasl: Option<&RawSasl>) -> Vec<Setting> {
    let mut all = Vec::new();
    let mut set = |property, from, value: String| {
        all.push(Setting {
            property,
            from,
            value,
        });
    };
    match (tls, sasl) {
        (None, None) => {}
        (Some(_), None) => set("security.protocol", "tls", "ssl".to_owned()),
        (None, Some(_)) => set("security.protocol", "sasl", "sasl_plaintext".to_owned()),
        (Some(_), Some(_)) => set("security.protocol", "tls", "sasl_ssl".to_owned()),
    }
    if let Some(tls) = tls {
        for (property, from, file) in [
            ("ssl.ca.location", "tls.ca_file", &tls.ca_file),
            ("ssl.certificate.location", "tls.cert_file", &tls.cert_file),
            ("ssl.key.location", "tls.key_file", &tls.key_file),
        ] {
            if let Some(file) = file {
                set(property, from, file.display().to_string());
            }
        }
    }
    if let Some(sasl) = sasl {
        if let Some(mechanism) = sasl.mechanism {
            let name = mechanism.name().to_owned();
            set("sasl.mechanisms", "sasl.mechanism", name);
        }
        if sasl.mechanism != Some(Mechanism::OauthBearer) {
            if let Some(username) = &sasl.username {
                set("sasl.username", "sasl.username", username.clone());
            }
            if !sasl.password.0.is_empty() {
                set("sasl.password", "sasl.password", sasl.password.0.clone());
            }
        }
    }
    all
}

/// librdkafka's other names for the same.
fn plain_name(key: &str) -> &str {
    match key {
        "sasl.mechanism" => "sasl.mechanisms",
        other => other,
    }
}

/// Where `properties` say otherwise than the two sections: the property, and what it contradicts. Saying the same twice is no contradiction.
pub fn contradictions(
    settings: &[Setting],
    properties: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let contradicts = |(key, value): (&String, &String)| {
        let same = settings
            .iter()
            .find(|setting| setting.property == plain_name(key))?;
        if same.value.eq_ignore_ascii_case(value) {
            return None;
        }
        let says = match SECRET.contains(&key.as_str()) || key == "sasl.username" {
            true => String::new(),
            false => format!(" (`{}`)", same.value),
        };
        let message = format!(
            "contradicts bus.kafka.{}{says}; remove one of them",
            same.from
        );
        Some((key.clone(), message))
    };
    properties.iter().filter_map(contradicts).collect()
}

#[cfg(test)]
mod tests {
    use runtime::config::Secret;

    use super::*;

    fn scram() -> RawSasl {
        RawSasl {
            mechanism: Some(Mechanism::ScramSha512),
            username: Some("u".to_owned()),
            password: Secret("p".to_owned()),
            oauth: None,
        }
    }

    fn check(tls: Option<&RawKafkaTls>, sasl: Option<&RawSasl>, expected: &[(&str, &str)]) {
        let all = settings(tls, sasl);
        let all: Vec<_> = all
            .iter()
            .map(|one| (one.property, one.value.as_str()))
            .collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn the_sections_make_properties() {
        check(None, None, &[]);
        let tls = RawKafkaTls::default();
        check(Some(&tls), None, &[("security.protocol", "ssl")]);
        let tls = RawKafkaTls {
            ca_file: Some("/ca".into()),
            cert_file: Some("/cert".into()),
            key_file: Some("/key".into()),
        };
        check(
            Some(&tls),
            Some(&scram()),
            &[
                ("security.protocol", "sasl_ssl"),
                ("ssl.ca.location", "/ca"),
                ("ssl.certificate.location", "/cert"),
                ("ssl.key.location", "/key"),
                ("sasl.mechanisms", "SCRAM-SHA-512"),
                ("sasl.username", "u"),
                ("sasl.password", "p"),
            ],
        );
        let token = RawSasl {
            mechanism: Some(Mechanism::OauthBearer),
            ..RawSasl::default()
        };
        check(
            None,
            Some(&token),
            &[
                ("security.protocol", "sasl_plaintext"),
                ("sasl.mechanisms", "OAUTHBEARER"),
            ],
        );
    }

    #[test]
    fn what_is_said_twice_has_to_agree_and_secrets_are_not_told() {
        let properties = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            pairs.iter().map(owned).collect()
        };
        let settings = settings(Some(&RawKafkaTls::default()), Some(&scram()));
        let agree = properties(&[
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.password", "p"),
            ("linger.ms", "1"),
        ]);
        assert_eq!(contradictions(&settings, &agree), []);
        let differ = properties(&[
            ("security.protocol", "ssl"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.password", "hunter2"),
        ]);
        let found = contradictions(&settings, &differ);
        let keys: Vec<_> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(
            keys,
            ["sasl.mechanism", "sasl.password", "security.protocol"]
        );
        let told = format!("{found:?}");
        assert!(
            told.contains("bus.kafka.sasl.mechanism (`SCRAM-SHA-512`)"),
            "{told}"
        );
        assert!(!told.contains("hunter2") && !told.contains("`p`"), "{told}");
    }
}
