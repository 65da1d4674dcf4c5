//! `retry`: through the backend's own sink, one letter at a time.
//!
//! A letter is struck off after the backend has accepted it. Killed in between, the command leaves one letter that was delivered open: the next run
//! delivers it again, and that one alone.

use export::letters::{Fate, Sender, Sent};
use runtime::exit;

use super::letters::{Kind, NOT_ALL, open};
use super::selection::Selection;
use crate::config::Config;
use crate::stored::{CHARS_MAX, plain};

#[derive(clap::Args)]
#[command(
    after_help = "A letter that the backend accepts is struck off; one that it refuses again stays. Killed at any moment, it may deliver one letter \
        a second time when it is run again. Two of them at the same time deliver letters twice."
)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Say what would be delivered, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// What became of the letters.
#[derive(Default)]
struct Tally {
    delivered: usize,
    refused: usize,
    gone: usize,
    stopped: Option<String>,
}

pub fn run(config: &Config, args: &Args) -> anyhow::Result<i32> {
    let filter = args.selection.filter();
    let limit = args.selection.limit.unwrap_or(usize::MAX);
    let Some(name) = &args.selection.backend else {
        errln!("error: name the backend whose letters are to be delivered: --backend NAME");
        return Ok(exit::USAGE);
    };
    let backends = &config.export.backends;
    let Some(backend) = backends.iter().find(|backend| backend.name == *name) else {
        let known: Vec<_> = backends.iter().map(|backend| &*backend.name).collect();
        errln!(
            "error: there is no backend `{name}` in the configuration; there are {}",
            known.join(", ")
        );
        return Ok(exit::USAGE);
    };
    let (mut letters, topics) = open(config, Kind::Dead, &filter)?;
    let sender = match args.dry_run {
        true => None,
        false => Some(Sender::new(backend, letters.bus())?),
    };
    let (mut tally, mut tried) = (Tally::default(), 0);
    letters.each(&filter, |letters, letter| {
        if tried == limit {
            return Ok(false);
        }
        tried += 1;
        let Some(sender) = &sender else {
            outln!("{}  would be delivered to {name}", letter.id);
            return Ok(true);
        };
        let (Some(value), Some(signal)) = (letters.value_of(&letter)?, letter.signal(&topics)) else {
            errln!("{}  its value is gone: it had no room in the letter, and the original is no longer on the bus", letter.id);
            tally.gone += 1;
            return Ok(true);
        };
        match sender.send(signal, &letter, value) {
            Sent::Delivered { message } => {
                letters.settle(&[letter.id], Fate::Delivered)?;
                tally.delivered += 1;
                outln!("{}  delivered  {}", letter.id, plain(&message, CHARS_MAX));
            }
            Sent::Refused(reason) => {
                tally.refused += 1;
                errln!("{}  refused again: {}", letter.id, plain(&reason, CHARS_MAX));
            }
            Sent::Unavailable(reason) => {
                tally.stopped = Some(reason);
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    Ok(report(&tally, tried, args.dry_run, name))
}

fn report(tally: &Tally, tried: usize, dry_run: bool, name: &str) -> i32 {
    if dry_run {
        outln!("{tried} letters would be delivered to {name}");
        return exit::CLEAN;
    }
    outln!(
        "{} delivered to {name}, {} refused again, {} without a value",
        tally.delivered,
        tally.refused,
        tally.gone
    );
    if let Some(reason) = &tally.stopped {
        errln!(
            "stopped, since {name} takes nothing now: {}; run it again later",
            plain(reason, CHARS_MAX)
        );
    }
    match tally.refused + tally.gone > 0 || tally.stopped.is_some() {
        true => NOT_ALL,
        false => exit::CLEAN,
    }
}
