//! `tailwater why TRACE_ID`: what was decided about a trace, by which policy, and what was seen of it then.
//!
//! The decision log knows. On Kafka it is read directly; an embedded bus belongs to one process at a time, so while that runs it is asked
//! over its admin endpoint (`GET /why/TRACE_ID`), which answers with the same [`History`]. Where there is no embedded bus, whoever listens on
//! `admin.listen` is asked. Names are redacted as they would be for export. Nothing is created.

mod ask;
mod explain;
mod find;
mod history;
mod redact;

use std::path::PathBuf;

use anyhow::Context;
use runtime::exit;
use schemas::Topics;
use schemas::headers::DEFAULT_TENANT;

use crate::config::Config;
use crate::stage::Stage;
pub use ask::leave_address;
pub use find::find;
pub use history::History;
pub use redact::{NameRules, redact};

/// Nothing is known of the trace.
const NOT_FOUND: i32 = 1;
/// The question could not be asked.
const FAILED: i32 = 4;

#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 found · 1 not found · 2 wrong usage · 3 wrong configuration · 4 the bus can't be read"
)]
pub struct Args {
    /// The trace id: 32 hexadecimal digits
    #[arg(value_name = "TRACE_ID", value_parser = trace_id)]
    id: TraceId,
    /// The configuration that says where the bus is; without it, the defaults
    #[arg(short, long, env = "TAILWATER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Tell of this tenant's trace only (`default`, or "", is the default tenant); without it, of every tenant that has a trace of this id
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Print what is known as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug)]
struct TraceId([u8; 16]);

/// 32 hexadecimal digits, with or without dashes.
fn trace_id(text: &str) -> Result<TraceId, String> {
    parse_id(text).map(TraceId).ok_or_else(|| {
        "a trace id is 32 hexadecimal digits, such as 4bf92f3577b34da6a3ce929d0e0e4736".to_owned()
    })
}

/// A trace id as people write it.
pub fn parse_id(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|digit| *digit != '-').collect();
    let valid = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| valid)?;
    Some(number.to_be_bytes())
}

pub fn run(args: &Args) -> i32 {
    let config = match Config::read_for(args.config.as_deref(), &[Stage::Enrich]) {
        Ok(config) => config,
        Err(report) => {
            errln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    let found = history(&config, args.id.0).map(|found| match &args.tenant {
        Some(tenant) => found.and_then(|history| history.of_tenant(tenant)),
        None => found,
    });
    match found {
        Ok(Some(history)) if args.json => {
            outln!("{}", history.to_json());
            exit::CLEAN
        }
        Ok(Some(history)) => {
            out!("{}", explain::explain(&history));
            exit::CLEAN
        }
        Ok(None) => {
            errln!(
                "nothing is known of trace {}{}: it never came, it is undecided still, or its verdict is older than the decision log",
                const_hex::encode(args.id.0),
                match args.tenant.as_deref() {
                    None => String::new(),
                    Some("" | DEFAULT_TENANT) => " in the default tenant".to_owned(),
                    Some(tenant) => format!(" in tenant {tenant:?}"),
                }
            );
            NOT_FOUND
        }
        Err(error) => {
            errln!("error: {error:#}");
            FAILED
        }
    }
}

fn history(config: &Config, id: [u8; 16]) -> anyhow::Result<Option<History>> {
    if let Some(reason) = config.bus.absent() {
        return ask::ask_any(config, id).with_context(|| reason);
    }
    match config.bus.open() {
        Ok(bus) => {
            let found = find(&*bus, &Topics::new(&config.bus.prefix), id)?;
            Ok(found.map(|history| redact(history, &NameRules::of(&config.enrich))))
        }
        Err(bus::Error::Fatal(reason)) if reason.contains("in use by") => {
            ask::ask_any(config, id).with_context(|| reason)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_people_write_them() {
        let id = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
        for text in [
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "4BF92F3577B34DA6A3CE929D0E0E4736",
            "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
        ] {
            assert_eq!(parse_id(text), Some(id), "{text}");
        }
        for text in ["", "4bf92f35", "+bf92f3577b34da6a3ce929d0e0e4736", "zz"] {
            assert_eq!(parse_id(text), None, "{text}");
        }
    }
}
