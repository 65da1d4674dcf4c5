//! What a certificate says of itself: how long it is valid, and whom it names.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The names in a certificate, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The common name of the subject.
    pub common_name: Option<String>,
    /// Subject alternative names.
    pub dns: Vec<String>,
    pub uris: Vec<String>,
}

/// The names in a certificate in DER.
///
/// # Errors
/// It is no X.509 certificate.
pub fn names(der: &[u8]) -> Result<Names, String> {
    let certificate = parse(der)?;
    let mut names = Names {
        common_name: (certificate.subject().iter_common_name())
            .find_map(|name| name.as_str().ok().map(str::to_owned)),
        ..Names::default()
    };
    let alternative = certificate.subject_alternative_name();
    let alternative = alternative.map_err(|error| error.to_string())?;
    for name in alternative
        .iter()
        .flat_map(|names| &names.value.general_names)
    {
        match name {
            GeneralName::DNSName(name) => names.dns.push((*name).to_owned()),
            GeneralName::URI(name) => names.uris.push((*name).to_owned()),
            _ => {}
        }
    }
    Ok(names)
}

/// From when to when a certificate is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub not_before: i64,
    pub not_after: i64,
}

pub(super) fn validity(der: &[u8]) -> Result<Validity, String> {
    let validity = parse(der)?.validity().clone();
    Ok(Validity {
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
    })
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    X509Certificate::from_der(der)
        .map(|(_, certificate)| certificate)
        .map_err(|error| format!("it is no X.509 certificate: {error}"))
}
