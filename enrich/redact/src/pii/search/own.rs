//! Patterns of the user's own: all at once first, since nearly every text has none.

use super::Search;

impl Search<'_> {
    pub(super) fn own(&mut self) {
        let own = self.engine.own();
        let Some(any) = &own.any else {
            return;
        };
        for number in &any.matches(self.text) {
            let own = &own.patterns[number];
            if !self.wanted.has(own.id) {
                continue;
            }
            for place in own.pattern.find_iter(self.text) {
                let (start, end) = (place.start(), place.end());
                if start < end
                    && (own.topics.is_empty() || self.topics_at(start, end).has_any(own.topics))
                {
                    self.hit(own.id, start, end);
                }
            }
        }
    }
}
