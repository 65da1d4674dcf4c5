//! How far a fault reaches: what can't be read costs its item, or everything in its scope or resource if it stands there.

use std::fmt::Write as _;

use super::names::{Name, resolve};
use crate::Signal;
use crate::otlp::schema::{self, Field, Message};

/// How many items, and how many in the unit of `partial_success`: data points for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub items: u64,
    pub units: u64,
}

/// Names of unknown fields and places that are told, at most.
const TOLD_MAX: usize = 4;
const NAME_CHARS_MAX: usize = 64;

/// The four levels from the request to the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Request,
    Resource,
    Scope,
    Item,
}

/// What became of the units of one request so far.
pub(super) struct Units {
    signal: Signal,
    levels: [(Level, &'static Message); 4],
    /// In what is being read, since the unit began.
    damaged: bool,
    points: u64,
    pub taken: Tally,
    pub rejected: Tally,
    /// The first fault, with its place.
    pub fault: Option<(String, String)>,
    /// What was not understood, in words.
    pub unknown: Vec<String>,
}

/// What to come back to when a unit ends.
pub(super) struct Before {
    level: Level,
    damaged: bool,
    taken: Tally,
}

impl Units {
    pub fn new(signal: Signal) -> Self {
        Self {
            signal,
            levels: [
                (Level::Request, schema::request(signal)),
                (Level::Resource, schema::resource(signal)),
                (Level::Scope, schema::scope(signal)),
                (Level::Item, schema::item(signal)),
            ],
            damaged: false,
            points: 0,
            taken: Tally::default(),
            rejected: Tally::default(),
            fault: None,
            unknown: Vec::new(),
        }
    }

    pub fn level(&self, of: &'static Message) -> Option<Level> {
        let found = self
            .levels
            .iter()
            .find(|(_, known)| std::ptr::eq(*known, of));
        found.map(|(level, _)| *level)
    }

    pub fn name(&self, of: &'static Message, name: &str) -> Name {
        resolve(of, self.children(of), name)
    }

    /// The field that holds what the message is there for: resources, scopes or items.
    pub fn children(&self, of: &'static Message) -> Option<&'static Field> {
        match self.level(of)? {
            Level::Request => of.field(1),
            Level::Resource | Level::Scope => of.field(2),
            Level::Item => None,
        }
    }

    /// A data point was read.
    pub fn point(&mut self) {
        self.points += 1;
    }

    /// Something in the unit that is being read is wrong.
    pub fn damage(&mut self, path: impl FnOnce() -> String, message: String) {
        self.damaged = true;
        self.fault.get_or_insert_with(|| (path(), message));
    }

    /// An item that is not even a message.
    pub fn no_item(&mut self, path: impl FnOnce() -> String, message: String) {
        self.rejected.add(1, 1);
        self.fault.get_or_insert_with(|| (path(), message));
    }

    pub fn begin(&mut self, level: Level) -> Before {
        if level == Level::Item {
            self.points = 0;
        }
        Before {
            level,
            damaged: std::mem::take(&mut self.damaged),
            taken: self.taken,
        }
    }

    /// Whether the unit is sound; otherwise nothing of it may stay.
    pub fn end(&mut self, before: Before) -> bool {
        let units = match self.signal {
            Signal::Traces | Signal::Logs => 1,
            Signal::Metrics => self.points,
        };
        let sound = !std::mem::replace(&mut self.damaged, before.damaged);
        let is_item = before.level == Level::Item;
        match (sound, is_item) {
            (true, true) => self.taken.add(1, units),
            (true, false) => {}
            (false, true) => self.rejected.add(1, units.max(1)),
            (false, false) => {
                let lost = (
                    self.taken.items - before.taken.items,
                    self.taken.units - before.taken.units,
                );
                self.rejected.add(lost.0, lost.1);
                self.taken = before.taken;
            }
        }
        sound
    }

    /// Names were not known in a message that has none of its children.
    pub fn not_understood(&mut self, of: &'static Message, path: &str, names: &[String]) {
        let Some(children) = self.children(of) else {
            return;
        };
        let mut text = String::new();
        for name in names {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}`{name}`");
        }
        let place = if path.is_empty() { "the request" } else { path };
        self.tell(format!(
            "{place} has no `{}`, and {text} is not known there",
            children.name
        ));
    }

    /// A name of former versions was taken for today's.
    pub fn old_name(&mut self, field: &Field, name: &str) {
        self.tell(format!(
            "`{}` was taken for `{}`: OTLP no longer has that name, update the sender",
            short(name),
            field.name
        ));
    }

    fn tell(&mut self, text: String) {
        if self.unknown.len() < TOLD_MAX && !self.unknown.contains(&text) {
            self.unknown.push(text);
        }
    }
}

impl Tally {
    fn add(&mut self, items: u64, units: u64) {
        self.items += items;
        self.units += units;
    }
}

/// Remembers the name of an unknown field, as long as there is room.
pub(super) fn remember(names: &mut Vec<String>, name: &str) {
    if names.len() < TOLD_MAX {
        names.push(short(name));
    }
}

fn short(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}
