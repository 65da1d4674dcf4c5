//! Values as users write them: addresses, durations, rates, sizes, secrets.

mod address;
mod rate;
mod secret;
mod units;

pub use address::{LISTEN_PATTERN, listen_address};
pub use rate::ByteRate;
pub(super) use rate::{RATE_FORMAT, parse_rate};
pub use secret::{Secret, with_marked_secrets};
pub use units::{ByteSize, Duration};
pub(super) use units::{DURATION_FORMAT, SIZE_FORMAT, parse_duration, parse_size};
