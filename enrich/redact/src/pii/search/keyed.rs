//! Values that are personal data because of their key: nothing in them tells a name from another word.

use super::super::context::Topic;
use super::super::detector::Detector;
use super::super::secrets::{self, Named};
use super::Search;

/// Fewer decimals name a place no closer than ten kilometres, and could be any measurement.
const DECIMALS_MIN: usize = 3;

impl Search<'_> {
    pub(super) fn keyed(&mut self) {
        if self.key.is_empty() || self.text.is_empty() {
            return;
        }
        let text = self.text;
        let letters = |text: &[u8]| {
            text.iter()
                .any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
        };
        let found = [
            (Topic::PersonName, Detector::PersonName),
            (Topic::PostalAddress, Detector::PostalAddress),
            (Topic::Coordinates, Detector::Coordinates),
            (Topic::PasswordKey, Detector::Password),
            (Topic::TokenKey, Detector::Password),
            (Topic::Authorization, Detector::Authorization),
        ];
        for (topic, detector) in found {
            if !self.key.has(topic) || !self.wants(detector) {
                continue;
            }
            let is_one = match topic {
                Topic::Coordinates => is_coordinate(text),
                Topic::PasswordKey => secrets::assigned_by_key(Named::Password, text),
                Topic::TokenKey => secrets::assigned_by_key(Named::Token, text),
                Topic::Authorization => !secrets::is_placeholder(text),
                _ => letters(text) && !secrets::is_placeholder(text),
            };
            if is_one {
                self.hit(detector, 0, text.len());
            }
        }
    }
}

/// Degrees with their decimals, one or two of them.
fn is_coordinate(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    let mut parts = text
        .splitn(3, [',', ' ', ';'])
        .filter(|part| !part.is_empty());
    let is_one = |part: &str| {
        let decimals = part
            .split_once('.')
            .map_or(0, |(_, decimals)| decimals.len());
        decimals >= DECIMALS_MIN
            && part
                .parse::<f64>()
                .is_ok_and(|degrees| degrees.abs() <= 180.0)
    };
    parts.clone().count() <= 2 && parts.next().is_some_and(is_one) && parts.all(is_one)
}
