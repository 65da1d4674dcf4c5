//! The headers of a record of telemetry.

use bus::{Fetched, Header};
use bytes::Bytes;
use schemas::headers;

/// Whose items a record holds; `None`: the default tenant's.
pub fn tenant_of(record: &Fetched) -> Option<Bytes> {
    let mut headers = record.headers.iter();
    let named = headers.find(|header| &*header.name == headers::TENANT)?;
    Some(named.value.clone()).filter(|tenant| !tenant.is_empty())
}

/// The headers of a record that this build writes: its version, and the tenant unless it is the default one.
///
/// ```
/// use bytes::Bytes;
///
/// let headers = stage::records_headers(Some(Bytes::from_static(b"acme")));
/// let names: Vec<_> = headers.iter().map(|header| &*header.name).collect();
/// assert_eq!(names, ["tailwater.version", "tailwater.tenant"]);
/// ```
pub fn records_headers(tenant: Option<Bytes>) -> Vec<Header> {
    let header = |name: &str, value| Header {
        name: name.into(),
        value,
    };
    let version = Bytes::from_static(headers::VERSION.as_bytes());
    let tenant = tenant.map(|tenant| header(headers::TENANT, tenant));
    std::iter::once(header(headers::VERSION_NAME, version))
        .chain(tenant)
        .collect()
}
