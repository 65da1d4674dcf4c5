//! `list` and `show`.

use export::letters::{Filter, Letter, LetterId};
use runtime::exit;
use schemas::Topics;
use schemas::otlp::Items;

use super::letters::{Kind, NOT_ALL, open};
use super::selection::Selection;
use crate::config::Config;
use crate::stored::{CHARS_MAX, plain, time};

/// Of a list without `--limit`.
const LIMIT: usize = 100;
/// Of what isn't OTLP, so many bytes are shown.
const HEX_BYTES: usize = 256;
const REASON_CHARS: usize = 2000;

#[derive(clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    selection: Selection,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct ShowArgs {
    /// PARTITION/OFFSET, as `list` prints it
    #[arg(value_name = "ID")]
    id: LetterId,
    /// What is in the letter, as OTLP JSON in one line, and nothing else
    #[arg(long)]
    json: bool,
}

pub fn list(config: &Config, kind: Kind, args: &ListArgs) -> anyhow::Result<i32> {
    let filter = args.selection.filter();
    let limit = args.selection.limit.unwrap_or(LIMIT);
    let (mut letters, topics) = open(config, kind, &filter)?;
    let (mut shown, mut more) = (0, false);
    letters.each(&filter, |_, letter| {
        if shown == limit {
            more = true;
            return Ok(false);
        }
        shown += 1;
        outln!(
            "{}",
            match args.json {
                true => json_line(&letter, &topics),
                false => line(&letter, &topics),
            }
        );
        Ok(true)
    })?;
    if more {
        errln!("there are more: narrow it down, or raise --limit (now {limit})");
    } else if shown == 0 {
        errln!(
            "no open {}s{}",
            kind.name(),
            if filter.is_empty() { "" } else { " like that" }
        );
    }
    Ok(exit::CLEAN)
}

/// Items that can be counted.
fn items(letter: &Letter) -> usize {
    Items::new(&letter.original.value)
        .map_while(Result::ok)
        .count()
}

fn line(letter: &Letter, topics: &Topics) -> String {
    let signal = letter.signal(topics).map_or("-", |signal| signal.name());
    format!(
        "{:<10} {}  {}  {} {signal}  {} bytes  {}",
        letter.id.to_string(),
        time(letter.time_ms),
        plain(&letter.stage, CHARS_MAX),
        items(letter),
        letter.original.value.len(),
        plain(&letter.reason, CHARS_MAX),
    )
}

fn json_line(letter: &Letter, topics: &Topics) -> String {
    serde_json::json!({
        "id": letter.id.to_string(),
        "time_ms": letter.time_ms,
        "stage": letter.stage,
        "tenant": letter.tenant(),
        "signal": letter.signal(topics).map(|signal| signal.name()),
        "items": items(letter),
        "bytes": letter.original.value.len(),
        "topic": &*letter.original.topic,
        "partition": letter.original.partition,
        "offset": letter.original.offset,
        "units": letter.units,
        "reason": letter.reason,
    })
    .to_string()
}

pub fn show(config: &Config, kind: Kind, args: &ShowArgs) -> anyhow::Result<i32> {
    let filter = Filter {
        ids: vec![args.id],
        ..Filter::default()
    };
    let (mut letters, topics) = open(config, kind, &filter)?;
    let mut found = None;
    letters.each(&filter, |letters, letter| {
        let value = letters.value_of(&letter)?;
        found = Some((letter, value));
        Ok(false)
    })?;
    let Some((letter, value)) = found else {
        errln!(
            "there is no open {} {}: it was delivered or purged, retention deleted it, or it never was",
            kind.name(),
            args.id
        );
        return Ok(NOT_ALL);
    };
    let json = (value.as_ref()).and_then(|value| {
        let mut json = Vec::new();
        schemas::json::from_protobuf(letter.signal(&topics)?, value, &mut json).ok()?;
        String::from_utf8(json).ok()
    });
    match (args.json, json) {
        (true, Some(json)) => outln!("{json}"),
        (true, None) => {
            errln!(
                "what is in letter {} can't be written as OTLP JSON",
                letter.id
            );
            return Ok(NOT_ALL);
        }
        (false, json) => {
            head(&letter);
            match (json, value) {
                (Some(json), _) => outln!("{}", pretty(&json)),
                (None, Some(value)) => outln!("{}", hex_dump(&value)),
                (None, None) => {
                    outln!("its value had no room in the letter, and the original is gone")
                }
            }
        }
    }
    Ok(exit::CLEAN)
}

fn head(letter: &Letter) {
    let original = &letter.original;
    outln!("letter  {}, given up {}", letter.id, time(letter.time_ms));
    outln!("by      {}", plain(&letter.stage, CHARS_MAX));
    if let Some(tenant) = letter.tenant() {
        outln!("tenant  {}", plain(&tenant, CHARS_MAX));
    }
    outln!("reason  {}", plain(&letter.reason, REASON_CHARS));
    outln!(
        "from    {} partition {} offset {}",
        plain(&original.topic, CHARS_MAX),
        original.partition,
        original.offset
    );
    if let Some(units) = &letter.units {
        outln!("units   {} of that record", plain(units, CHARS_MAX));
    }
    outln!();
}

fn pretty(json: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value));
    pretty.unwrap_or_else(|_| json.to_owned())
}

/// What isn't OTLP, from its beginning.
fn hex_dump(value: &[u8]) -> String {
    let lines = value[..value.len().min(HEX_BYTES)].chunks(16).map(|line| {
        let bytes: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = (line.iter())
            .map(|byte| {
                if byte.is_ascii_graphic() {
                    char::from(*byte)
                } else {
                    '.'
                }
            })
            .collect();
        format!("{:<47}  {text}", bytes.join(" "))
    });
    format!(
        "{} bytes that are not OTLP:\n{}",
        value.len(),
        lines.collect::<Vec<_>>().join("\n")
    )
}
