//! The client certificate of a connection as the name of a tenant. TLS has verified it before.

use std::sync::Arc;

use runtime::tls::names;

use super::refused::Unauthorized;
use crate::config::{TenantFrom, is_tenant};

/// Who is at the other end of a connection: worked out once, asked by each of its requests.
#[derive(Clone)]
pub struct Client(Option<Result<Option<Arc<str>>, Unauthorized>>);

impl Client {
    /// No certificate was shown, or none is asked for.
    pub fn unknown() -> Self {
        Self(None)
    }

    /// Of a certificate in DER; without `from`, it names no tenant.
    pub fn of(der: &[u8], from: Option<TenantFrom>) -> Self {
        let Some(from) = from else {
            return Self(Some(Ok(None)));
        };
        let name = names(der).ok().and_then(|names| match from {
            TenantFrom::UriSan => names.uris.into_iter().next(),
            TenantFrom::DnsSan => names.dns.into_iter().next(),
            TenantFrom::Cn => names.common_name,
        });
        Self(Some(match name.filter(|name| is_tenant(name)) {
            Some(name) => Ok(Some(name.into())),
            None => Err(Unauthorized::NoTenant(format!(
                "the client certificate has no {from} that is one"
            ))),
        }))
    }

    /// The tenant; `Some(None)`: somebody of no tenant in particular, `None`: nobody.
    pub fn tenant(&self) -> Result<Option<Option<Arc<str>>>, Unauthorized> {
        self.0.clone().transpose()
    }
}
