//! The paths of OTLP over HTTP in addresses.

use http::Uri;
use schemas::Signal;

/// The path of a signal that an address ends in already.
pub fn path_of_a_signal(uri: &Uri) -> Option<&'static str> {
    let path = uri.path().trim_end_matches('/').to_ascii_lowercase();
    let paths = Signal::ALL.map(Signal::http_path);
    paths.into_iter().find(|own| path.ends_with(own))
}
