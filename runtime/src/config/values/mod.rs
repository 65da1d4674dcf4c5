//! Values as users write them: addresses, durations, sizes, secrets.

mod address;
mod secret;
mod units;

pub use address::{LISTEN_PATTERN, listen_address};
pub use secret::Secret;
pub use units::{ByteSize, Duration};
pub(super) use units::{DURATION_FORMAT, SIZE_FORMAT, parse_duration, parse_size};
