//! What the sender of a request hears of the items that were not taken.

/// What `partial_success` says. No rejected items and a message is a warning; neither leaves it unset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// Spans, log records or data points.
    pub rejected: u64,
    pub message: String,
}

impl Partial {
    /// With warnings beside what was rejected.
    pub fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        for text in warnings {
            if !self.message.is_empty() {
                self.message.push_str("; ");
            }
            self.message.push_str(&text);
        }
        self
    }

    pub fn is_unset(&self) -> bool {
        self.rejected == 0 && self.message.is_empty()
    }
}
