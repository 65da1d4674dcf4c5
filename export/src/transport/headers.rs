//! Headers that the configuration adds to each request. A value may name the tenant: `x-scope-orgid: "{tenant}"`.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use runtime::config::Problems;
use schemas::headers::DEFAULT_TENANT;

/// What stands for the tenant in a value.
const TENANT: &str = "{tenant}";

/// What a request is made of; a second opinion on these breaks it.
const OURS: [&str; 7] = [
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "grpc-encoding",
    "connection",
    "te",
];

/// Values are marked sensitive: they hold credentials, and don't show in logs.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    fixed: HeaderMap,
    /// Values with the tenant in them.
    of_tenant: Vec<(HeaderName, Template)>,
}

/// A value with places for the tenant. It may be a credential too.
#[derive(Clone)]
struct Template(String);

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sensitive")
    }
}

impl Headers {
    /// What is wrong is reported under `at`.
    pub fn of(raw: &BTreeMap<String, String>, at: &str, problems: &mut Problems) -> Self {
        let mut headers = Self::default();
        for (name, value) in raw {
            let at = format!("{at}.{name}");
            let Ok(name) = HeaderName::try_from(name.as_str()) else {
                problems.push(at, format!("`{name}` is not a header name"));
                continue;
            };
            if OURS.contains(&name.as_str()) {
                problems.push(at, format!("`{name}` is set by the exporter itself"));
                continue;
            }
            // The value may be a credential: it isn't shown.
            match sensitive(value) {
                Some(_) if value.contains(TENANT) => {
                    headers.of_tenant.push((name, Template(value.clone())));
                }
                Some(value) => drop(headers.fixed.insert(name, value)),
                None => problems.push(
                    at,
                    "the value holds characters that a header can't carry, such as a line break",
                ),
            }
        }
        headers
    }

    /// Those of every request.
    pub fn fixed(&self) -> &HeaderMap {
        &self.fixed
    }

    /// Some name the tenant.
    pub fn by_tenant(&self) -> bool {
        !self.of_tenant.is_empty()
    }

    /// Those of a request that holds a tenant's data; `None` is the default tenant, which is called `default`.
    ///
    /// # Errors
    /// The tenant's name can't stand in a header.
    pub fn of_tenant(
        &self,
        tenant: Option<&[u8]>,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        if !self.by_tenant() {
            return Ok(Vec::new());
        }
        let tenant = match tenant {
            None => Some(DEFAULT_TENANT),
            Some(tenant) => std::str::from_utf8(tenant).ok(),
        };
        let filled = self.of_tenant.iter().map(|(name, Template(value))| {
            let value = sensitive(&value.replace(TENANT, tenant?))?;
            Some((name.clone(), value))
        });
        let filled: Option<_> = filled.collect();
        filled.ok_or_else(|| "the tenant's name can't stand in a header".to_owned())
    }
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn headers(raw: &[(&str, &str)]) -> Headers {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let mut problems = Problems::new();
        let headers = Headers::of(&raw.iter().map(owned).collect(), "h", &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        headers
    }

    #[test]
    fn the_tenant_stands_where_the_value_names_it() {
        let headers = headers(&[
            ("authorization", "Bearer x"),
            ("x-scope-orgid", "{tenant}"),
            ("x-path", "/{tenant}/{tenant}?{other}"),
        ]);
        assert!(headers.by_tenant() && headers.fixed().len() == 1);
        let of = |tenant: Option<&str>| {
            let filled = headers.of_tenant(tenant.map(str::as_bytes)).unwrap();
            let text = |(name, value): &(HeaderName, HeaderValue)| {
                assert!(value.is_sensitive());
                format!("{name}: {}", value.to_str().unwrap())
            };
            filled.iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(
            of(Some("shop")),
            ["x-path: /shop/shop?{other}", "x-scope-orgid: shop"]
        );
        assert_eq!(
            of(None),
            ["x-path: /default/default?{other}", "x-scope-orgid: default"]
        );
        assert!(headers.of_tenant(Some(b"a\nb")).is_err());
        assert!(headers.of_tenant(Some(b"\xff")).is_err());
        assert!(!format!("{headers:?}").contains("/{tenant}"));
    }

    #[test]
    fn without_a_tenant_in_it_nothing_is_filled_in() {
        let headers = headers(&[("a", "{tenants}")]);
        assert!(!headers.by_tenant());
        assert_eq!(headers.of_tenant(Some(b"a\nb")).unwrap(), []);
    }
}
