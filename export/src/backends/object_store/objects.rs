//! Which object an item goes to. Pure.

use bytes::Bytes;

/// A batch makes at most so many objects for the hours of its items; further hours go to the object of the hour of receipt.
const HOURS_MAX: usize = 48;
/// And so many in all. A batch of one tenant can't make more.
const OBJECTS_MAX: usize = 2 * HOURS_MAX;

/// What the default tenant is called.
const DEFAULT_TENANT: &[u8] = b"default";
const NANOS_AN_HOUR: u64 = 3_600_000_000_000;
const MILLIS_AN_HOUR: u64 = 3_600_000;

/// What all items of an object have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Where the layout has the tenant.
    pub tenant: Option<&'a [u8]>,
    /// Since 1970.
    pub hour: u64,
}

/// An object ready to be put.
#[derive(Debug)]
pub struct Object<'a> {
    pub key: Key<'a>,
    pub bytes: Bytes,
}

/// How the keys of a batch's items are told.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// The layout has the tenant.
    pub by_tenant: bool,
    /// The hour is the item's own.
    pub by_item: bool,
    received: u64,
}

impl Keys {
    /// Of a batch whose first record came onto the bus at this time.
    pub fn new(by_tenant: bool, by_item: bool, received_ms: u64) -> Self {
        Self {
            by_tenant,
            by_item,
            received: received_ms / MILLIS_AN_HOUR,
        }
    }

    /// Of an item; an empty tenant is the default one, a time of 0 isn't known.
    #[inline]
    pub fn of<'a>(&self, tenant: &'a [u8], time_unix_nano: u64) -> Key<'a> {
        let tenant = match tenant {
            [] => DEFAULT_TENANT,
            named => named,
        };
        let hour = match self.by_item && time_unix_nano > 0 {
            true => time_unix_nano / NANOS_AN_HOUR,
            false => self.received,
        };
        Key {
            tenant: self.by_tenant.then_some(tenant),
            hour,
        }
    }

    /// The key of a new object when the batch has made `count` already.
    ///
    /// # Errors
    /// There are too many; parts of the batch have fewer.
    pub fn within_bounds<'a>(&self, key: Key<'a>, count: usize) -> Result<Key<'a>, String> {
        match count {
            ..HOURS_MAX => Ok(key),
            HOURS_MAX..OBJECTS_MAX => Ok(Key {
                hour: self.received,
                ..key
            }),
            _ => Err(format!("makes more than {OBJECTS_MAX} objects")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_item_goes_to_its_tenants_and_hours_object() {
        let received_ms = 7 * MILLIS_AN_HOUR + 1;
        let key = |by_tenant, by_item, tenant: &'static [u8], time| {
            let key = Keys::new(by_tenant, by_item, received_ms).of(tenant, time);
            (key.tenant, key.hour)
        };
        assert_eq!(key(false, false, b"a", 5 * NANOS_AN_HOUR), (None, 7));
        assert_eq!(key(false, true, b"a", 6 * NANOS_AN_HOUR - 1), (None, 5));
        assert_eq!(key(false, true, b"a", 0), (None, 7));
        assert_eq!(key(true, false, b"a", 0), (Some(&b"a"[..]), 7));
        // Both of these are one object, or one would overwrite the other.
        assert_eq!(key(true, false, b"", 0), key(true, false, b"default", 0));
    }

    #[test]
    fn the_number_of_objects_is_bounded() {
        let keys = Keys::new(true, true, 7 * MILLIS_AN_HOUR);
        let key = Key {
            tenant: None,
            hour: 3,
        };
        assert_eq!(keys.within_bounds(key, HOURS_MAX - 1).unwrap().hour, 3);
        assert_eq!(keys.within_bounds(key, HOURS_MAX).unwrap().hour, 7);
        assert!(keys.within_bounds(key, OBJECTS_MAX).is_err());
    }
}
