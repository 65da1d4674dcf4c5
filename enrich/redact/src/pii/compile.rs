//! From what is asked for to what is done, with everything that is wrong with it.

use regex::bytes::{Regex, RegexBuilder, RegexSetBuilder};

use super::act::{Keyed, Plan, Plans, Tokens};
use super::asked::{Action, AskedDetector, AskedPii, PiiAt, PiiProblem};
use super::context::{Topics, Vocabulary};
use super::detector::{self, Detector, Form, Id, Ids, TABLE};
use super::engine::{Engine, Own, OwnPatterns};
use super::keys::{KeyPatterns, KeyRules};
use super::{Counter, Pii};
use crate::rules::Hasher;

/// Fewer random bytes could be found by trying.
const KEY_BYTES_MIN: usize = 16;
const PATTERN_BYTES_MAX: usize = 16 << 10;
const COMPILED_BYTES_MAX: usize = 4 << 20;

#[derive(Default)]
struct Compiler {
    problems: Vec<PiiProblem>,
    wanted: Ids,
    /// By the number of the detector.
    plans: Vec<Option<Plan>>,
    names: Vec<String>,
    keys: KeyRules,
    words: Vec<(String, Topics)>,
    own: Vec<Own>,
    own_with_context: usize,
}

impl Pii {
    /// Compiles what is asked for.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(asked: &AskedPii) -> Result<Self, Vec<PiiProblem>> {
        let mut compiler = Compiler {
            plans: vec![None; TABLE.len()],
            names: TABLE.iter().map(|row| row.name.to_owned()).collect(),
            ..Compiler::default()
        };
        compiler.packs(asked);
        for (number, detector) in asked.detectors.iter().enumerate() {
            compiler.detector(number, detector, asked);
        }
        compiler.key_lists(asked);
        let keyed = compiler.keyed(asked);
        compiler.finish(keyed)
    }
}

impl Compiler {
    fn push(&mut self, at: PiiAt, message: impl Into<String>) {
        let message = message.into();
        self.problems.push(PiiProblem { at, message });
    }

    fn packs(&mut self, asked: &AskedPii) {
        if asked.is_empty() {
            self.push(
                PiiAt::Packs,
                "names no pack, and no detector is named: nothing would be looked for",
            );
        }
        if let Action::Quarantine | Action::DropItem = asked.default_action {
            self.push(
                PiiAt::DefaultAction,
                format!("{} for every detector would take out whatever has an address in it; set it for single detectors", asked.default_action.name()),
            );
        }
        for (number, row) in TABLE.iter().enumerate() {
            if row.packs.iter().any(|pack| asked.packs.contains(pack)) {
                self.switch_on(Id(number as u8), asked.default_action, asked.report);
            }
        }
    }

    fn switch_on(&mut self, id: Id, action: Action, reports: bool) {
        let form = TABLE
            .get(usize::from(id.0))
            .map_or(Form::Stars, |row| row.form);
        let action = if form == Form::Gone && !is_gone(action) {
            Action::DropAttribute
        } else {
            action
        };
        // What has too few values for a token is masked.
        let action = if action == Action::Tokenise && has_few_values(id) {
            Action::Mask
        } else {
            action
        };
        let reports = reports || action == Action::Report;
        self.wanted.add(id);
        self.plans[usize::from(id.0)] = Some(Plan {
            action,
            reports,
            form,
        });
    }

    fn detector(&mut self, number: usize, asked: &AskedDetector, all: &AskedPii) {
        let known = detector::named(&asked.name);
        let id = match (known, &asked.pattern) {
            (Some(_), Some(_)) => {
                self.push(PiiAt::Pattern(number), format!("can't be given: {:?} is a detector of Tailwater's own; choose another name for yours", asked.name));
                return;
            }
            (Some(_), None) if !asked.context.is_empty() => {
                self.push(PiiAt::Context(number), format!("can't be given: {:?} is a detector of Tailwater's own, which knows its words", asked.name));
                return;
            }
            (Some(id), None) => id,
            (None, Some(pattern)) => match self.own(number, asked, pattern) {
                Some(id) => id,
                None => return,
            },
            (None, None) => {
                self.push(
                    PiiAt::Detector(number),
                    format!(
                        "{:?} is no detector{}, and a detector of your own needs a `pattern`",
                        asked.name,
                        near(&asked.name)
                    ),
                );
                return;
            }
        };
        if asked.off {
            self.wanted = self.wanted.without(Ids::from(id));
            self.plans[usize::from(id.0)] = None;
            return;
        }
        let action = asked.action.unwrap_or(all.default_action);
        self.contradictions(number, id, asked);
        self.switch_on(id, action, all.report || asked.shadow);
        if !asked.exclude.is_empty() {
            self.keys
                .exclude
                .push((id, KeyPatterns::new(&asked.exclude)));
        }
    }

    fn contradictions(&mut self, number: usize, id: Id, asked: &AskedDetector) {
        let Some(action) = asked.action else { return };
        let gone = TABLE
            .get(usize::from(id.0))
            .is_some_and(|row| row.form == Form::Gone);
        if gone && !is_gone(action) {
            self.push(
                PiiAt::Action(number),
                format!("{} would store what {:?} finds, in one form or another, and that may not be stored; write drop_attribute, drop_item, quarantine or report", action.name(), asked.name),
            );
        }
        if action == Action::Tokenise && has_few_values(id) {
            self.push(
                PiiAt::Action(number),
                format!("tokenise needs at least a million possible values (NIST SP 800-38G), and {:?} has fewer; write mask or hash", asked.name),
            );
        }
        if let Action::Partial {
            keep_first: 0,
            keep_last: 0,
        } = action
        {
            self.push(PiiAt::Action(number), "partial keeps nothing; write mask");
        }
        if id == Detector::Pan.into()
            && let Action::Partial {
                keep_first,
                keep_last,
            } = action
            && (keep_first > 8 || keep_last > 4)
        {
            self.push(PiiAt::Action(number), "partial may keep the first 8 and the last 4 digits of a card at most (PCI DSS 3.4.1)");
        }
    }

    /// A detector of the user's own.
    fn own(&mut self, number: usize, asked: &AskedDetector, pattern: &str) -> Option<Id> {
        if !self.own_name(number, asked) {
            return None;
        }
        let topics = self.own_context(number, asked)?;
        let pattern = match compiled(pattern) {
            Ok(pattern) => pattern,
            Err(message) => {
                self.push(PiiAt::Pattern(number), message);
                return None;
            }
        };
        let id = Id(self.plans.len() as u8);
        self.plans.push(None);
        self.names.push(asked.name.clone());
        self.own.push(Own {
            id,
            pattern,
            topics,
        });
        Some(id)
    }

    /// Whether there is room for one of this name.
    fn own_name(&mut self, number: usize, asked: &AskedDetector) -> bool {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let name = &asked.name;
        if !(1..=64).contains(&name.len()) || !name.bytes().all(fits) {
            self.push(
                PiiAt::Detector(number),
                format!(
                    "{name:?} is no name for a detector: write up to 64 small letters, digits and _"
                ),
            );
        }
        if self.names[TABLE.len()..].contains(name) {
            self.push(PiiAt::Detector(number), format!("{name:?} is there twice"));
            return false;
        }
        let room = self.plans.len() < Ids::COUNT_MAX;
        if !room {
            let most = Ids::COUNT_MAX - TABLE.len();
            self.push(
                PiiAt::Detector(number),
                format!("is one too many: {most} detectors of your own are the limit"),
            );
        }
        room
    }

    /// The topic of its words, if it has some.
    fn own_context(&mut self, number: usize, asked: &AskedDetector) -> Option<Topics> {
        if asked.context.is_empty() {
            return Some(Topics::default());
        }
        if self.own_with_context == Topics::OWN_MAX {
            self.push(
                PiiAt::Context(number),
                format!(
                    "is one too many: {} detectors of your own can have a context",
                    Topics::OWN_MAX
                ),
            );
            return None;
        }
        let topics = Topics::own(self.own_with_context);
        self.own_with_context += 1;
        for word in &asked.context {
            if word.trim().is_empty() || word.len() > 64 {
                let message = "has a word that is empty or longer than 64 bytes";
                self.push(PiiAt::Context(number), message);
            } else {
                self.words.push((word.trim().to_lowercase(), topics));
            }
        }
        Some(topics)
    }

    fn key_lists(&mut self, asked: &AskedPii) {
        for (keys, at) in [
            (&asked.allow_keys, PiiAt::AllowKeys),
            (&asked.skip_keys, PiiAt::SkipKeys),
        ] {
            for key in keys {
                let beginning = key.strip_suffix('*').unwrap_or(key);
                if key.is_empty() {
                    self.push(at, "names an empty key");
                } else if beginning.contains('*') {
                    self.push(at, format!("{key:?} has a * that isn't at its end; a * stands for the rest of a key"));
                } else if beginning.is_empty() {
                    self.push(
                        at,
                        "\"*\" holds every key; leave the list out, or the packs",
                    );
                }
            }
        }
        self.keys.allow = KeyPatterns::new(&asked.allow_keys);
        self.keys.skip = KeyPatterns::new(&asked.skip_keys);
    }

    fn keyed(&mut self, asked: &AskedPii) -> Option<Keyed> {
        let mut first = None;
        for (number, named) in asked.keys.iter().enumerate() {
            let sound = (1..=16).contains(&named.id.len())
                && named
                    .id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
            if !sound {
                self.push(
                    PiiAt::KeyId(number),
                    format!(
                        "{:?} is no id of a key: write up to 16 letters, digits, _ and -",
                        named.id
                    ),
                );
            }
            if asked.keys[..number]
                .iter()
                .any(|other| other.id == named.id)
            {
                self.push(
                    PiiAt::KeyId(number),
                    format!(
                        "{:?} is there twice; give each key an id of its own",
                        named.id
                    ),
                );
            }
            let bytes = named.key.0.len();
            if bytes < KEY_BYTES_MIN {
                self.push(
                    PiiAt::Key(number),
                    format!("has {bytes} bytes, where fewer than {KEY_BYTES_MIN} can be found by trying; take the output of `openssl rand -hex 32`"),
                );
            }
            if let Some(hasher) = Hasher::new(&named.key.0) {
                first.get_or_insert_with(|| Keyed {
                    id: named.id.clone(),
                    tokens: Tokens::new(&hasher),
                    hasher,
                });
            }
        }
        let needing = self
            .plans
            .iter()
            .flatten()
            .find(|plan| matches!(plan.action, Action::Hash | Action::Tokenise));
        if let Some(plan) = needing.filter(|_| asked.keys.is_empty()) {
            let action = plan.action.name();
            self.push(PiiAt::Keys, format!("is empty, though an action is {action}; write `keys: [{{id: k1, key: \"${{env:TAILWATER_HASH_KEY}}\"}}]`"));
        }
        first
    }

    fn finish(mut self, keyed: Option<Keyed>) -> Result<Pii, Vec<PiiProblem>> {
        let any = RegexSetBuilder::new(self.own.iter().map(|own| own.pattern.as_str()))
            .size_limit(COMPILED_BYTES_MAX * self.own.len().max(1))
            .build();
        let vocabulary = Vocabulary::new(&self.words);
        let (any, vocabulary) = match (any, vocabulary) {
            (Ok(any), Ok(vocabulary)) => (any, vocabulary),
            (Err(error), _) => {
                self.push(
                    PiiAt::Packs,
                    format!("has patterns that are too large together: {error}"),
                );
                return Err(self.problems);
            }
            (_, Err(error)) => {
                self.push(
                    PiiAt::Packs,
                    format!("has too many words of context: {error}"),
                );
                return Err(self.problems);
            }
        };
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let (mut counters, mut counter_of) = (Vec::new(), Vec::new());
        for (plan, name) in self.plans.iter().zip(&self.names) {
            counter_of.push(plan.map(|plan| {
                counters.push(Counter {
                    detector: name.clone(),
                    action: plan.action.name(),
                    mode: if plan.reports { "report" } else { "act" },
                });
                (counters.len() - 1) as u16
            }));
        }
        let own = OwnPatterns {
            any: (!self.own.is_empty()).then_some(any),
            patterns: self.own,
        };
        Ok(Pii {
            engine: Engine::new(self.wanted, vocabulary, own),
            plans: Plans::new(self.plans, keyed),
            keys: self.keys,
            counters,
            counter_of,
        })
    }
}

/// Whether nothing of what was found is stored.
fn is_gone(action: Action) -> bool {
    matches!(
        action,
        Action::DropAttribute | Action::DropItem | Action::Quarantine | Action::Report
    )
}

/// What has fewer than a million values: five digits, or the days of a century.
fn has_few_values(id: Id) -> bool {
    [
        Detector::Cvv,
        Detector::CardExpiry,
        Detector::UsZip,
        Detector::BirthDate,
        Detector::HealthDate,
    ]
    .into_iter()
    .any(|detector| id == detector.into())
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!(
            "is longer than {PATTERN_BYTES_MAX} bytes; split it"
        ));
    }
    let compiled = RegexBuilder::new(pattern)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| format!("is not a usable pattern: {}", crate::rules::reason(&error)))?;
    if compiled.is_match(b"") {
        return Err(
            "matches the empty text, so it would match everywhere; use + instead of *".to_owned(),
        );
    }
    Ok(compiled)
}

/// A hint at the detector that may have been meant: of nearly the same letters, or a part of it.
fn near(name: &str) -> String {
    let letters = |name: &str| {
        let mut letters: Vec<u8> = name.bytes().filter(u8::is_ascii_alphanumeric).collect();
        letters.sort_unstable();
        letters
    };
    let meant = letters(name);
    let similar = TABLE.iter().map(|row| row.name).find(|known| {
        let begins = known
            .bytes()
            .zip(name.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        !name.is_empty()
            && (letters(known) == meant
                || known.contains(name)
                || name.contains(known)
                || begins >= 4)
    });
    similar.map_or_else(String::new, |known| format!(" (did you mean {known:?}?)"))
}
