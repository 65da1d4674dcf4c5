//! `tailwater demo`: the main job in half a minute, on an embedded bus in a temporary directory.
//!
//! Real stages, real sockets, a real file at the end; only the shop that sends the traffic is simulated.

mod figures;
mod outcome;
mod screen;
mod shop;
mod tree;
mod view;

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use runtime::{Drain, Metrics, exit, stop_on_signals};

use crate::config::Config;
use crate::pipeline::Pipeline;
use crate::stage::Stage;
use shop::Shop;
use view::View;

/// Traces are decided this long after their first span: short, so that half a minute shows it.
const DECISION_WAIT: Duration = Duration::from_secs(4);
/// Kept for decisions, redaction and export after the traffic has ended.
const SETTLE: Duration = Duration::from_secs(8);
/// On a machine that is busy with other things, what was sent may take longer to come out.
const SETTLE_MAX: Duration = Duration::from_secs(60);
/// For tasks that are not done at the end.
const LET_GO: Duration = Duration::from_secs(2);
const REFRESH: Duration = Duration::from_millis(250);
/// Of the summary's tree, where nobody says how wide the terminal is.
const WIDTH: usize = 100;

#[derive(clap::Args)]
pub struct Args {
    /// How long the demo takes in all
    #[arg(long, default_value = "30s", value_parser = humantime_duration)]
    duration: Duration,
    /// Spans a second
    #[arg(long, default_value_t = 4000.0, value_name = "SPANS/S")]
    rate: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Go on after the traffic, ready for yours, until interrupted
    #[arg(long)]
    keep_running: bool,
    /// Plain lines, as without a terminal
    #[arg(long)]
    plain: bool,
}

fn humantime_duration(text: &str) -> Result<Duration, String> {
    serde_json::from_value::<runtime::config::Duration>(text.into())
        .map(|duration| duration.0)
        .map_err(|_| "expected a duration such as 30s".to_owned())
}

pub fn run(args: &Args) -> i32 {
    let go = || -> anyhow::Result<()> {
        if args.duration < SETTLE + Duration::from_secs(4) {
            bail!(
                "--duration {}: a demo takes at least {} s",
                humantime::format_duration(args.duration),
                (SETTLE + Duration::from_secs(4)).as_secs()
            );
        }
        let dir = Scratch::new()?;
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let outcome = tokio.block_on(show(args, &dir.0));
        // What still holds the bus lets go of it before its directory goes.
        tokio.shutdown_timeout(LET_GO);
        outcome
    };
    match go() {
        Ok(()) => exit::CLEAN,
        Err(error) => {
            errln!("error: {error:#}");
            exit::FAILED
        }
    }
}

/// A directory that goes when the demo ends.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        // A process id alone comes again, in containers soon; what a killed demo left behind is not ours.
        let name = format!(
            "tailwater-demo-{}-{:08x}",
            std::process::id(),
            fastrand::u32(..)
        );
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The demo's own configuration: free ports, short windows, e-mail addresses masked.
fn configuration(dir: &Path) -> String {
    let dir = dir.display();
    let wait = DECISION_WAIT.as_secs();
    format!(
        r#"
bus: {{embedded: {{dir: "{dir}/bus"}}}}
ingest: {{grpc: {{listen: "127.0.0.1:0"}}, http: {{listen: "127.0.0.1:0"}}}}
sampler:
  decision_wait: {wait}s
  idle_allowance: 500ms
enrich:
  redact:
    mask: [{{name: email, pattern: '[\w.+-]+@[\w-]+\.[\w.]+', with: '****'}}]
export:
  backends:
    - {{name: kept, file: {{path: "{dir}/kept.jsonl"}}}}
    - {{name: archive, signals: [traces], file: {{path: "{dir}/archive.jsonl"}}}}
admin: {{health: "127.0.0.1:0", metrics: "127.0.0.1:0"}}
log: {{level: warn}}
"#
    )
}

async fn show(args: &Args, dir: &Path) -> anyhow::Result<()> {
    let config = Config::parse("the demo's configuration", &configuration(dir))?;
    config.log.start().map_err(anyhow::Error::msg)?;
    let stop = stop_on_signals()?;
    let Some(pipeline) = Pipeline::start(&config, &Stage::ALL, &stop).await? else {
        return Ok(());
    };
    let Some(grpc) = pipeline.grpc else {
        bail!("ingest did not start")
    };
    let term = std::env::var("TERM").ok();
    let dumb = view::is_dumb(term.as_deref());
    let plain = args.plain || dumb || !std::io::stdout().is_terminal();
    let mut view = View::new(plain, &pipeline);
    let shop = Shop::open(args.rate, args.seed, args.duration, SETTLE, grpc)?;
    watch(args.duration, &pipeline.metrics, &stop, &shop, &mut view).await?;
    let (report, sent) = shop.close().await?;
    let totals = pipeline.metrics.snapshot();
    let width = view.end()?.unwrap_or(WIDTH);
    let interrupted = stop.is_requested();
    let kept = dir.join("kept.jsonl");
    let outcome = outcome::Outcome::read(&kept, &sent, &report, &totals, interrupted, width)?;
    outln!("{outcome}");
    if args.keep_running && !stop.is_requested() {
        let http = pipeline
            .http
            .map(|http| http.to_string())
            .unwrap_or_default();
        outln!(
            "\nStill running: send OTLP to {grpc} (gRPC) or {http} (HTTP); kept traces go to {}/kept.jsonl. Ctrl-C ends it.",
            dir.display()
        );
        return pipeline.run(stop.requested()).await;
    }
    pipeline.run(std::future::ready(())).await?;
    if !outcome.all_errors_kept() && !interrupted {
        bail!(
            "an error trace is missing from the kept traces: this must not happen; please report it with the lines above"
        );
    }
    Ok(())
}

/// Shows how it goes until all that was sent has come out, or somebody stops it.
async fn watch(
    duration: Duration,
    metrics: &Metrics,
    stop: &Drain,
    shop: &Shop,
    view: &mut View,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let ends = started + duration;
    let mut tick = tokio::time::interval(REFRESH);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.requested() => return Ok(()),
        }
        let totals = metrics.snapshot();
        view.draw(&totals, started.elapsed(), duration)?;
        let now = Instant::now();
        let settled = shop.has_sent_all() && is_settled(&totals);
        if settled && now + SETTLE / 4 >= ends || now >= ends + SETTLE_MAX {
            return Ok(());
        }
    }
}

/// Every span is decided, and what was kept is in the file that the summary reads.
fn is_settled(totals: &runtime::Snapshot) -> bool {
    let delivered = totals.sum(
        export::names::DELIVERED,
        &[("backend", "kept"), ("signal", "traces")],
    );
    totals.sum(sampler::names::PENDING, &[]) == 0.0
        && totals.sum(sampler::names::CONSUMED, &[])
            == totals.sum(ingest::names::PUBLISHED, &[("signal", "traces")])
        && delivered == totals.sum(sampler::names::KEPT, &[])
}
