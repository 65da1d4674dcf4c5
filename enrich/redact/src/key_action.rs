//! What the rules make of a key.

/// What is done to an attribute because of its key; a set of bits, since several rules may name one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyAction(pub(crate) u8);

impl KeyAction {
    pub(crate) const DELETE: u8 = 1;
    pub(crate) const HASH: u8 = 2;
    /// Replaced by what is set on the context.
    pub(crate) const SET_RESOURCE: u8 = 4;
    pub(crate) const SET_ITEM: u8 = 8;

    pub(crate) fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}
