//! Dead letters for people: found, shown, delivered after all, and struck off.
//!
//! The topic of the dead letters is a log like any other, so nothing in it is changed: a letter that was delivered after all, or purged, is named
//! by a *mark*, a record of the same partition. Who reads first gathers the marks, then skips what they name. A mark is younger than what it names
//! and in the same partition, so retention deletes the letter first.

mod filter;
mod letter;
mod marks;
mod scan;
mod send;

pub use filter::Filter;
pub use letter::{Letter, LetterId};
pub use marks::Fate;
pub use scan::Letters;
pub use send::{Sender, Sent};
