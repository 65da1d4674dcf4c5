//! Where in a request the rewriter is: what contains an error, and where attributes are set.

use schemas::otlp::schema::{Message, Role};

/// Where rules that name a place apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    Resource,
    /// A span, log record or data point.
    Item,
}

impl Context {
    /// What is set on the attributes of such a message.
    #[inline]
    pub(crate) fn of(message: &Message) -> Option<Self> {
        match message.role {
            Role::Resource => Some(Self::Resource),
            Role::Item | Role::DataPoint => Some(Self::Item),
            _ => None,
        }
    }
}

/// Whether the message is an item.
#[inline]
pub(crate) fn is_item(message: &Message) -> bool {
    matches!(message.role, Role::Item | Role::Metric)
}

/// Whether an error in the message costs that part of the request alone: an item, or a scope or resource with its items.
#[inline]
pub(crate) fn contains_errors(message: &Message) -> bool {
    is_item(message) || matches!(message.role, Role::OfScope | Role::OfResource)
}
