//! `tailwater check`: is this configuration right, is it meant, do its tests pass, and what would it run?

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use bus::Finding;
use runtime::exit;

use crate::config::Config;
use crate::import::Yaml;
use crate::pipeline::Summary;
use crate::rehearsal;
use crate::stage::Stage;
use crate::topics::{self, StageName};

#[derive(clap::Args)]
pub struct Args {
    /// The configuration, in YAML; without it, the defaults
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same, as the other commands take it
    #[arg(
        short,
        long,
        env = "TAILWATER_CONFIG",
        value_name = "FILE",
        conflicts_with = "file"
    )]
    config: Option<PathBuf>,
    /// Also connect to the bus, and check it against the configuration: topics, settings, replicas and each right; creates no topic
    #[arg(long)]
    connect: bool,
    /// With `--connect`: the rights of one stage alone, for stages that have users of their own
    #[arg(long, value_enum, requires = "connect")]
    stage: Option<StageName>,
    /// Print each backend as what it stands for, in YAML, instead of what would run: presets as the kinds that they expand to; credentials are `****`
    #[arg(long)]
    expand: bool,
}

/// The longest that `--connect` takes where nobody answers: a question of 10 s, and what the client needs to begin and to end. Where brokers answer,
/// there are more questions.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);

pub fn run(args: &Args) -> i32 {
    let file = args.file.as_deref().or(args.config.as_deref());
    let stages = args.stage.map(StageName::stage);
    let stages: Vec<_> = stages.map_or(Stage::ALL.to_vec(), |stage| vec![stage]);
    let (config, bus) = match read(file, args.connect.then_some(&*stages)) {
        Ok(read) => read,
        Err(report) => {
            errln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    if !config.warnings.is_empty() {
        errln!("{}\n", config.warnings);
    }
    match args.expand {
        true => out!("{}", expanded(&config)),
        false => outln!("{}", Summary::of(&config, &Stage::ALL)),
    }
    let faults = config.enrich.read_tables();
    for (at, fault) in &faults {
        errln!("error: {at}: {fault}");
    }
    let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let failed = test(&config, folder);
    match bus {
        Err(error) => {
            errln!("error: the bus can't be used: {error:#}");
            return exit::FAILED;
        }
        Ok(findings) if told(&findings) > 0 => return exit::FAILED,
        Ok(_) => {}
    }
    match failed + faults.len() {
        0 => exit::CLEAN,
        _ => exit::INVALID_CONFIGURATION,
    }
}

/// The backends as what they stand for, as a part of a configuration.
fn expanded(config: &Config) -> String {
    let mut backends = Yaml::list();
    for backend in config.raw.export.expanded() {
        for remark in backend.remarks {
            backends.remark(remark);
        }
        backends.push(backend.written);
    }
    let (mut export, mut document) = (Yaml::map(), Yaml::map());
    export.set("backends", backends);
    document.set("export", export);
    document.document()
}

/// Says what isn't as it should be; how much of it can't work.
fn told(findings: &[Finding]) -> usize {
    for finding in findings {
        let kind = if finding.fatal { "error" } else { "warning" };
        errln!("{kind}: {}", finding.message);
    }
    findings.iter().filter(|finding| finding.fatal).count()
}

/// What was found on the bus, or why it can't be used.
type Examined = anyhow::Result<Vec<Finding>>;

/// The configuration, and how it went with the bus for these stages.
fn read(file: Option<&Path>, connect: Option<&[Stage]>) -> anyhow::Result<(Config, Examined)> {
    let config = Config::read(file)?;
    let Some(stages) = connect else {
        return Ok((config, Ok(Vec::new())));
    };
    match examine(&config, stages) {
        Ok(None) => Ok((config, Ok(Vec::new()))),
        Ok(Some((brokers, findings))) => {
            // Read again, so that what is said of it has its place.
            let config = Config::read_with(file, &Stage::ALL, |raw, problems| {
                raw.bus.check_cluster(brokers, "bus", problems);
            })?;
            Ok((config, Ok(findings)))
        }
        Err(error) => Ok((config, Err(error))),
    }
}

/// How many brokers the cluster has, and what it lacks; `None` on an embedded bus.
fn examine(config: &Config, stages: &[Stage]) -> anyhow::Result<Option<(usize, Vec<Finding>)>> {
    let (sender, answer) = mpsc::channel();
    let (bus, asked) = (config.bus.clone(), topics::asked(config, stages));
    // A thread of its own: a name that doesn't resolve holds up the client beyond any limit of ours.
    std::thread::spawn(move || sender.send(bus.examine(&asked)));
    match answer.recv_timeout(CONNECT_WITHIN) {
        Ok(examined) => Ok(examined?),
        Err(_) => anyhow::bail!("no answer within {} s", CONNECT_WITHIN.as_secs()),
    }
}

/// Runs the tests of a configuration; how many failed.
fn test(config: &Config, folder: &Path) -> usize {
    let outcomes = rehearsal::run(
        &config.raw.tests,
        Some(&config.sampler),
        Some((&config.enrich, &config.sampler.options.promote)),
        folder,
    );
    let (passed, failed): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.passed());
    if !outcomes.is_empty() {
        outln!();
    }
    for outcome in &passed {
        outln!("{outcome}");
    }
    if let Some(failures) = rehearsal::failures(&outcomes) {
        errln!("{failures}");
    }
    if !outcomes.is_empty() {
        outln!("tests: {} passed, {} failed", passed.len(), failed.len());
    }
    failed.len()
}
