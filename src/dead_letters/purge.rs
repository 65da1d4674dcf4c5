//! `purge`: strikes off exactly what is selected. The bytes stay in the topic until its retention deletes them, on either bus.

use export::letters::{Fate, LetterId};
use runtime::exit;

use super::letters::{Kind, open};
use super::selection::Selection;
use crate::config::Config;

/// Letters that are struck off together.
const TOGETHER: usize = 1000;

#[derive(clap::Args)]
#[command(
    after_help = "Purged letters are no longer listed, shown or retried. Their bytes stay in the topic of the dead letters until its retention deletes them: \
        keep that short, since they hold telemetry as it was."
)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Say what would be purged, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(config: &Config, kind: Kind, args: &Args) -> anyhow::Result<i32> {
    let filter = args.selection.filter();
    let limit = args.selection.limit.unwrap_or(usize::MAX);
    if filter.is_empty() && !args.all {
        errln!("error: say which: IDs, --backend, --stage, --reason, --since, --before, or --all");
        return Ok(exit::USAGE);
    }
    let (mut letters, _) = open(config, kind, &filter)?;
    let (mut purged, mut some) = (0, Vec::<LetterId>::new());
    letters.each(&filter, |letters, letter| {
        if purged == limit {
            return Ok(false);
        }
        purged += 1;
        if args.dry_run {
            outln!("{}  would be purged", letter.id);
            return Ok(true);
        }
        some.push(letter.id);
        if some.len() == TOGETHER {
            letters.settle(&some, Fate::Purged)?;
            some.clear();
        }
        Ok(true)
    })?;
    letters.settle(&some, Fate::Purged)?;
    match args.dry_run {
        true => outln!("{purged} letters would be purged"),
        false => outln!("{purged} letters purged; their bytes go with the topic's retention"),
    }
    Ok(exit::CLEAN)
}
