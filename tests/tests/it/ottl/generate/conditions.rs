//! Random conditions, sound or damaged.

use fastrand::Rng;
use ottl::Context;

use super::one;
use super::words::{
    CALLS, EVENT_PATHS, LITERALS, LOG_PATHS, METRIC_PATHS, POINT_PATHS, SHARED_PATHS, SPAN_PATHS,
    TEXTS,
};

pub fn condition(rng: &mut Rng, context: Context) -> String {
    let mut generator = Generator { rng, context };
    generator.or(3)
}

/// A few characters go, come or change.
pub fn damage(rng: &mut Rng, condition: &mut String) {
    let mut characters: Vec<char> = condition.chars().collect();
    for _ in 0..rng.usize(1..3) {
        let signs: Vec<char> = "()[]{}\"\\.,=<>!+-*/: aZ09_".chars().collect();
        let at = rng.usize(..characters.len().max(1)).min(characters.len());
        match rng.u8(..3) {
            0 if at < characters.len() => drop(characters.remove(at)),
            1 if at < characters.len() => characters[at] = signs[rng.usize(..signs.len())],
            _ => characters.insert(at, signs[rng.usize(..signs.len())]),
        }
    }
    *condition = characters.into_iter().collect();
}

pub(super) struct Generator<'r> {
    pub(super) rng: &'r mut Rng,
    pub(super) context: Context,
}

impl Generator<'_> {
    pub(super) fn or(&mut self, depth: u32) -> String {
        let terms: Vec<_> = (0..self.few()).map(|_| self.and(depth)).collect();
        terms.join(" or ")
    }

    fn and(&mut self, depth: u32) -> String {
        let values: Vec<_> = (0..self.few()).map(|_| self.truth(depth)).collect();
        values.join(" and ")
    }

    fn few(&mut self) -> u8 {
        [1, 1, 1, 2, 2, 3][self.rng.usize(..6)]
    }

    fn truth(&mut self, depth: u32) -> String {
        let not = if self.rng.u8(..6) == 0 { "not " } else { "" };
        let truth = match self.rng.u8(..12) {
            0 if depth > 0 => format!("({})", self.or(depth - 1)),
            1 => one(self.rng, &["true", "false"]).to_owned(),
            2 => self.call(depth),
            _ => {
                let operator = one(
                    self.rng,
                    &["==", "==", "==", "!=", "!=", "<", "<=", ">", ">="],
                );
                format!("{} {operator} {}", self.value(depth), self.value(depth))
            }
        };
        format!("{not}{truth}")
    }

    pub(super) fn value(&mut self, depth: u32) -> String {
        match self.rng.u8(..if depth == 0 { 9 } else { 16 }) {
            0..=2 => self.path(),
            3..=5 => self.attribute(depth),
            6 => self.text(),
            7 | 8 => one(self.rng, LITERALS).to_owned(),
            9..=12 => self.call(depth - 1),
            13 => {
                let operator = one(self.rng, &["+", "-", "*", "/"]);
                format!(
                    "{} {operator} {}",
                    self.operand(depth - 1),
                    self.operand(depth - 1)
                )
            }
            14 => format!("[{}, {}]", self.element(depth - 1), self.element(depth - 1)),
            _ => format!(
                "{{\"a\": {}, \"b\": {}}}",
                self.value(depth - 1),
                self.text()
            ),
        }
    }

    /// What may stand in a list: as text, a map in it is empty there.
    fn element(&mut self, depth: u32) -> String {
        loop {
            let value = self.value(depth);
            if !value.starts_with('{') {
                return value;
            }
        }
    }

    /// What may stand beside an arithmetic operator.
    fn operand(&mut self, depth: u32) -> String {
        match self.rng.u8(..6) {
            0 => one(self.rng, &["0", "1", "-2", "1.5", "3"]).to_owned(),
            1 => format!("({} - 1)", self.attribute(depth)),
            2 => one(
                self.rng,
                &["-kind", "-(2)", "start_time", "end_time", "kind"],
            )
            .replace("time", self.time()),
            3 => self.call(depth),
            _ => self.attribute(depth),
        }
    }

    pub(super) fn path(&mut self) -> String {
        let (own, prefix) = self.own();
        let (outer, outer_prefix) = match self.context {
            Context::Span | Context::SpanEvent => (SPAN_PATHS, "span."),
            Context::DataPoint => (METRIC_PATHS, "metric."),
            _ => (own, prefix),
        };
        match self.rng.u8(..8) {
            0 | 1 => one(self.rng, SHARED_PATHS).to_owned(),
            2 => format!("{prefix}{}", one(self.rng, own)),
            3 => format!("{outer_prefix}{}", one(self.rng, outer)),
            _ => one(self.rng, own).to_owned(),
        }
    }

    /// The context's own paths, and what may stand in front of them.
    fn own(&self) -> (&'static [&'static str], &'static str) {
        match self.context {
            Context::SpanEvent => (EVENT_PATHS, "spanevent."),
            Context::Log => (LOG_PATHS, "log."),
            Context::Metric => (METRIC_PATHS, "metric."),
            Context::DataPoint => (POINT_PATHS, "datapoint."),
            _ => (SPAN_PATHS, "span."),
        }
    }

    /// Maps of attributes.
    pub(super) fn maps(&self) -> [&'static str; 4] {
        let (own, prefixed) = match self.context {
            Context::Log => ("attributes", "log.attributes"),
            Context::Metric => ("metadata", "metric.metadata"),
            Context::DataPoint => ("attributes", "metric.metadata"),
            _ => ("attributes", "span.attributes"),
        };
        [own, prefixed, "resource.attributes", "scope.attributes"]
    }

    pub(super) fn attribute(&mut self, depth: u32) -> String {
        let maps = self.maps();
        let base = match self.rng.u8(..5) {
            0 | 1 => maps[0],
            at => maps[usize::from(at) - 1],
        };
        let mut path = base.to_owned();
        let mut key = self.key(depth);
        while key.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
            key = self.key(depth);
        }
        path.push_str(&format!("[{key}]"));
        while self.rng.u8(..4) == 0 {
            path.push_str(&format!("[{}]", self.key(depth)));
        }
        path
    }

    fn key(&mut self, depth: u32) -> String {
        match self.rng.u8(..12) {
            0 => self.rng.u8(..3).to_string(),
            1 if depth > 0 => self.path(),
            2 if depth > 0 => format!("String({})", self.value(depth - 1)),
            _ => format!("\"{}\"", one(self.rng, &["a", "b", "c", "d", "e"])),
        }
    }

    fn text(&mut self) -> String {
        format!("{:?}", one(self.rng, TEXTS))
    }

    fn time(&mut self) -> &'static str {
        match self.context {
            Context::SpanEvent => "time",
            Context::Log => one(self.rng, &["time", "observed_time"]),
            Context::Metric => "Time(\"2023-04-12\", \"%Y-%m-%d\")",
            Context::DataPoint => one(self.rng, &["start_time", "time"]),
            _ => one(self.rng, &["start_time", "end_time"]),
        }
    }

    fn call(&mut self, depth: u32) -> String {
        let template = one(self.rng, CALLS);
        let mut call = String::new();
        let mut in_text = false;
        let characters: Vec<char> = template.chars().collect();
        for (index, &character) in characters.iter().enumerate() {
            in_text ^= character == '"';
            let before = index.checked_sub(1).map(|before| characters[before]);
            let after = characters.get(index + 1);
            let alone = before.is_some_and(|before| "([ ".contains(before))
                && after.is_some_and(|after| ",)]".contains(*after));
            if in_text || !alone {
                call.push(character);
                continue;
            }
            call.push_str(&match character {
                'S' if self.rng.u8(..4) > 0 => self.text_like(depth),
                'N' if self.rng.u8(..4) > 0 => self.rng.u8(..5).to_string(),
                'T' if self.rng.u8(..6) > 0 => self.time().to_owned(),
                'D' if self.rng.u8(..6) > 0 => one(
                    self.rng,
                    &["Duration(\"90s\")", "Duration(\"1.5ms\")", "(time - time)"],
                )
                .replace("time", self.time()),
                'M' if self.rng.u8(..4) > 0 => one(
                    self.rng,
                    &[self.maps()[0], "resource.attributes", "{\"x\": 1}"],
                )
                .to_owned(),
                'L' if self.rng.u8(..4) > 0 => one(
                    self.rng,
                    &[
                        "[1, 2, 3]",
                        "[3, 1.5, 2]",
                        "[\"b\", \"a\"]",
                        "MAP[\"a\"]",
                        "[]",
                    ],
                )
                .replace("MAP", self.maps()[0]),
                'V' | 'S' | 'N' | 'T' | 'D' | 'M' | 'L' => match depth {
                    0 => self.attribute(0),
                    depth => self.value(depth - 1),
                },
                other => other.to_string(),
            });
        }
        call
    }

    fn text_like(&mut self, depth: u32) -> String {
        match self.rng.u8(..6) {
            0 => match self.context {
                Context::Log => "event_name".to_owned(),
                Context::DataPoint => "metric.name".to_owned(),
                _ => "name".to_owned(),
            },
            1 => format!("{}[\"{}\"]", self.maps()[0], one(self.rng, &["a", "b"])),
            2 if depth > 0 => format!("String({})", self.value(depth - 1)),
            _ => self.text(),
        }
    }
}
