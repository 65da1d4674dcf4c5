//! Addresses of machines, and URLs.

use super::super::checks::net;
use super::super::detector::Detector;
use super::Search;
use super::run::Run;

/// The longest address in text: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
const IPV6_MAX: usize = 45;
const MAC: usize = 17;
const SCHEME_MAX: usize = 16;
/// The longest URL that is taken for one.
const URL_MAX: usize = 8192;

impl Search<'_> {
    pub(super) fn ipv4(&mut self, run: &Run) -> Option<usize> {
        if run.count() < 4 || run.separators(4) != *b"..." || !self.wants(Detector::Ipv4) {
            return None;
        }
        let (start, end) = (run.start(), run.end(4));
        // `Chrome/133.0.0.0` is a version.
        let product = self.text[..start].strip_suffix(b"/").and_then(<[u8]>::last);
        if product.is_some_and(u8::is_ascii_alphanumeric)
            || !self.right_is_clear(end)
            || !net::ipv4(&self.text[start..end])
        {
            return None;
        }
        self.hit(Detector::Ipv4, start, end);
        Some(end)
    }

    /// `AB-CD-EF-01-23-45`, given its first group.
    pub(super) fn mac_in_hyphens(&mut self, start: usize, end: usize) {
        if end - start != 2 || self.text.get(end) != Some(&b'-') || !self.wants(Detector::Mac) {
            return;
        }
        let to = start + MAC;
        let Some(candidate) = self.text.get(start..to) else {
            return;
        };
        if net::mac(candidate) && self.is_clear(start, to) {
            self.hit(Detector::Mac, start, to);
        }
    }

    /// A colon within an IPv6 address or a MAC address. Where to go on.
    pub(super) fn colons(&mut self, at: usize) -> usize {
        let text = self.text;
        let next = text.get(at + 1).copied().unwrap_or_default();
        if !(next.is_ascii_hexdigit() || next == b':')
            || !(self.wants(Detector::Ipv6) || self.wants(Detector::Mac))
        {
            return at + 1;
        }
        let hex = |byte: &u8| byte.is_ascii_hexdigit();
        let start = at
            - text[..at]
                .iter()
                .rev()
                .take(5)
                .take_while(|byte| hex(byte))
                .count();
        let inside = |byte: &u8| hex(byte) || matches!(byte, b':' | b'.');
        let mut end = start
            + text[start..]
                .iter()
                .take(IPV6_MAX + 1)
                .take_while(|byte| inside(byte))
                .count();
        // The end of a sentence.
        while matches!(text[end - 1], b'.') {
            end -= 1;
        }
        let candidate = &text[start..end];
        if self.is_clear(start, end) {
            if candidate.len() == MAC && net::mac(candidate) {
                if self.wants(Detector::Mac) {
                    self.hit(Detector::Mac, start, end);
                }
                return end;
            }
            if self.wants(Detector::Ipv6) && net::ipv6(candidate) {
                self.hit(Detector::Ipv6, start, end);
                return end;
            }
        }
        at + 1
    }

    /// `scheme://…`. Where to go on.
    pub(super) fn url(&mut self, at: usize) -> usize {
        let text = self.text;
        // What stands within a URL is a part of it.
        if !self.wants(Detector::Url) || at < self.url_end {
            return at + 3;
        }
        let scheme = text[..at]
            .iter()
            .rev()
            .take(SCHEME_MAX)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'+');
        let start = at - scheme.count();
        if start == at {
            return at + 3;
        }
        let ends = |byte: &u8| {
            byte.is_ascii_whitespace()
                || byte.is_ascii_control()
                || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\')
        };
        let rest = text[at + 3..].iter().take(URL_MAX);
        let mut end = at + 3 + rest.take_while(|byte| !ends(byte)).count();
        while end > at + 3
            && matches!(
                text[end - 1],
                b'.' | b',' | b';' | b')' | b']' | b'}' | b'!'
            )
        {
            end -= 1;
        }
        if end > at + 3 {
            self.hit(Detector::Url, start, end);
            self.url_end = end;
        }
        at + 3
    }
}
