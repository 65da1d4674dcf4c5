//! Units: from UCUM to the words that Prometheus' names end with.

use std::borrow::Cow;

/// UCUM, and the word in a name. Source: `unitMap` of otlptranslator.
const UNITS: &[(&str, &str)] = &[
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// What stands behind the `/`. Source: `perUnitMap` of otlptranslator.
const PER_UNITS: &[(&str, &str)] = &[
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The two parts of a unit as words, the second as `per_…`; empty where there is none. `{requests}` and its like are no units.
pub(super) fn suffixes(unit: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let per = word(per, PER_UNITS);
    let per = match per.is_empty() {
        true => "".into(),
        false => format!("per_{per}").into(),
    };
    (word(main, UNITS).into(), per)
}

fn word<'a>(unit: &'a str, words: &[(&str, &'static str)]) -> &'a str {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return "";
    }
    let mut words = words.iter();
    words
        .find(|(ucum, _)| *ucum == unit)
        .map_or(unit, |(_, word)| word)
}

/// With nothing in it that a name can't hold.
pub(super) fn clean(unit: &str) -> String {
    let mut clean = String::with_capacity(unit.len());
    for char in unit.chars() {
        match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ':' => clean.push(char),
            _ if clean.ends_with('_') => {}
            _ => clean.push('_'),
        }
    }
    match clean.strip_prefix('_') {
        Some(rest) => rest.to_owned(),
        None => clean,
    }
}

/// The unit as metadata has it: `By/s` is `bytes_per_second`.
pub fn unit_name(unit: &str) -> String {
    let (main, per) = suffixes(unit);
    let (main, per) = (clean(&main), clean(&per));
    let name = match (main.is_empty(), per.is_empty()) {
        (false, false) => format!("{main}_{per}"),
        (false, true) => main,
        (true, _) => per,
    };
    let name = name.strip_prefix('_').unwrap_or(&name);
    name.strip_suffix('_').unwrap_or(name).to_owned()
}
