//! Tokens that begin with a literal of their own.

use super::super::detector::Detector;
use super::super::secrets;
use super::Search;

impl Search<'_> {
    /// A token that begins with the word that begins here. Where to go on.
    #[inline]
    pub(super) fn token(&mut self, start: usize) -> Option<usize> {
        let engine = self.engine;
        for anchor in engine.anchors().at(&self.text[start..])? {
            let Some(at) = start.checked_sub(anchor.before) else {
                continue;
            };
            if self.text[at..].starts_with(anchor.literal)
                && self.wanted.has(anchor.id)
                && let Some(range) = (anchor.find)(self.text, at)
            {
                self.hit(anchor.id, range.start, range.end);
                return Some(range.end.max(start + 1));
            }
        }
        None
    }

    /// `://user:password@`.
    pub(super) fn url_password(&mut self, at: usize) {
        if self.wants(Detector::UrlPassword)
            && let Some(range) = secrets::url_password(self.text, at)
        {
            self.hit(Detector::UrlPassword, range.start, range.end);
        }
    }
}
