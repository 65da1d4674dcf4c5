//! Record headers: their names, and the version that every record carries, with the one place that says which versions are read.

/// `tailwater.version`: the layout of the record's value; readers refuse versions above [`VERSION`].
pub const VERSION_NAME: &str = "tailwater.version";
/// The version that this build writes.
pub const VERSION: &str = "1";
/// The newest version that this build reads.
const VERSION_MAX: u32 = 1;
/// `tailwater.tenant`: whose data this is; absent for the default tenant.
pub const TENANT: &str = "tailwater.tenant";
/// How the default tenant is called where it has to have a name: in the configuration, in metrics, and at backends. A record whose
/// header says so is its, too.
pub const DEFAULT_TENANT: &str = "default";

/// `tailwater.key`: what the record is about, on topics of which only the newest record of each key is kept. Kafka's key of the record says the same.
pub const KEY: &str = "tailwater.key";
/// Kafka's key of a record that is for others: it is the key alone, and no header of the record.
pub const KEY_ALONE: &str = ":key";

/// What the names of all headers begin with that only dead letters have.
pub const DEAD_PREFIX: &str = "tailwater.dead.";
/// On dead letters: where the record came from and why it is here.
pub const DEAD_TOPIC: &str = "tailwater.dead.topic";
pub const DEAD_PARTITION: &str = "tailwater.dead.partition";
pub const DEAD_OFFSET: &str = "tailwater.dead.offset";
pub const DEAD_REASON: &str = "tailwater.dead.reason";
/// Where the letter is a part of the record: which of its spans, log records or data points, counted from 0, as `3..4,7..9`.
pub const DEAD_UNITS: &str = "tailwater.dead.units";
/// On a mark among the dead letters, which is none itself: the offsets of the same partition that are done with, as `17,18`, and whether they
/// were `delivered` or `purged`.
pub const DEAD_SETTLED: &str = "tailwater.dead.settled";
pub const DEAD_FATE: &str = "tailwater.dead.fate";
/// The stage, or `export/<backend>`, that gave the record up.
pub const DEAD_STAGE: &str = "tailwater.dead.stage";

/// A record that this build can't read: its layout may be another one. It belongs to the dead letters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record is of version {0:?}, and this build reads up to {VERSION_MAX}")]
pub struct UnknownVersion(String);

/// What the value of the header [`VERSION_NAME`] says: can this build read the record? Records of other producers have no such header, and
/// are plain OTLP.
///
/// # Errors
/// A version above ours, or something that isn't a version.
pub fn check_version(value: Option<&[u8]>) -> Result<(), UnknownVersion> {
    let Some(value) = value else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(value);
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(version) if digits && version <= VERSION_MAX => Ok(()),
        // It is logged and put into a header: whoever wrote it must not make it long.
        _ => Err(UnknownVersion(text.chars().take(20).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_up_to_ours_are_read() {
        let check = |value: &[u8]| check_version(Some(value)).is_ok();
        assert!(check_version(None).is_ok());
        assert!(check(VERSION.as_bytes()) && check(b"0") && check(b"01"));
        for value in [
            &b"2"[..],
            b"",
            b"+1",
            b" 1",
            b"1.0",
            b"v1",
            b"99999999999",
            b"\xff",
        ] {
            assert!(!check(value), "{value:?}");
        }
        let error = check_version(Some(&[b'7'; 99])).map_err(|error| error.to_string());
        let told =
            "the record is of version \"77777777777777777777\", and this build reads up to 1";
        assert_eq!(error, Err(told.to_owned()));
    }
}
