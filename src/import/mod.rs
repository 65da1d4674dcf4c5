//! `tailwater import`: the configuration of another sampler as ours, with a remark for each thing that has no equal here.
//!
//! What comes out is checked as any configuration is; what the check finds is said beside it. Nothing is guessed in silence: what
//! the result doesn't do as the original did is said on standard error too, and in the exit code.

mod collector;
mod duration;
mod refinery;
mod value;
mod verify;
mod yaml;

use std::path::{Path, PathBuf};

use runtime::config;
use runtime::exit;
use serde_json::Value;

pub use self::yaml::Yaml;
use self::yaml::{Remark, Weight};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(clap::Subcommand)]
enum From {
    /// The OpenTelemetry Collector: a whole configuration, or its `tail_sampling` section alone
    Collector {
        file: PathBuf,
        /// Which tail_sampling processor, where there are several: its name as in `tail_sampling/NAME`
        #[arg(long)]
        processor: Option<String>,
    },
    /// Honeycomb Refinery: a rules file (version 2)
    Refinery {
        file: PathBuf,
        /// Which environment's (or dataset's) sampler
        #[arg(long, default_value = "__default__")]
        environment: String,
    },
}

/// From what was read to our configuration.
type Translate<'a> = Box<dyn Fn(&Value) -> Result<Yaml, String> + 'a>;

/// What came of a file.
struct Imported {
    text: String,
    remarks: Vec<Remark>,
    /// What `tailwater check` finds wrong with it.
    problems: usize,
}

/// Writes our configuration to standard output, and what needs a look to standard error.
pub fn run(args: &Args) -> i32 {
    let (file, translate): (&Path, Translate<'_>) = match &args.from {
        From::Collector { file, processor } => (
            file,
            Box::new(|from| collector::import(from, processor.as_deref())),
        ),
        From::Refinery { file, environment } => {
            (file, Box::new(|from| refinery::import(from, environment)))
        }
    };
    match translated(file, translate) {
        Ok(imported) => {
            out!("{}", imported.text);
            report(file, &imported)
        }
        Err(message) => {
            errln!("{message}");
            exit::INVALID_CONFIGURATION
        }
    }
}

/// Says what is not as it was; the exit code says whether something was lost.
fn report(file: &Path, imported: &Imported) -> i32 {
    let weighing = |weight| {
        imported
            .remarks
            .iter()
            .filter(move |remark| remark.weight == weight)
    };
    for remark in weighing(Weight::Changed).chain(weighing(Weight::Lost)) {
        errln!("{remark}");
    }
    match imported.remarks.len() + imported.problems {
        0 => errln!("everything in {} has its equal", file.display()),
        some => {
            errln!("{some} to look at: see `#` in the output, then run `tailwater check` on it")
        }
    }
    let lost = weighing(Weight::Lost).count();
    if lost > 0 {
        errln!(
            "error: the result doesn't do all that {} does: {lost} not carried over",
            file.display()
        );
    }
    if imported.problems > 0 {
        errln!("error: the result doesn't pass `tailwater check` yet: see its end");
    }
    match lost + imported.problems {
        0 => exit::CLEAN,
        _ => exit::FAILED,
    }
}

fn translated(
    file: &Path,
    translate: impl Fn(&Value) -> Result<Yaml, String>,
) -> Result<Imported, String> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("error: cannot read {name}: {error}"))?;
    let from = config::read_foreign(&name, &text).map_err(|report| report.to_string())?;
    let ours = translate(&from).map_err(|reason| format!("error: {name}: {reason}"))?;
    let (mut text, mut problems) = (ours.document(), 0);
    if let Err(report) = verify::checked(&text) {
        problems = report.count();
        text.push_str("\n# What `tailwater check` says of this:\n");
        for line in report.to_string().lines() {
            text.push_str(&format!("#   {line}\n"));
        }
    }
    Ok(Imported {
        text,
        remarks: ours.remarks().into_iter().cloned().collect(),
        problems,
    })
}
