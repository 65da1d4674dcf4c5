//! `tailwater ready`: whether a running process is ready, for health checks of containers and for scripts. It asks `/readyz`, and changes nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use runtime::config::Secret;
use runtime::exit;
use serde_json::Value;

use crate::admin_client::{self, Answer, Limits};
use crate::config::Config;
use crate::stage::Stage;

/// A process has a dozen parts, each with a line.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

#[derive(clap::Args)]
pub struct Args {
    /// The configuration of the process, which says where it answers (admin.health); without it, the defaults
    #[arg(short, long, env = "TAILWATER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The stage, if it runs alone and the configuration names no address
    #[arg(long, value_name = "STAGE", value_parser = ["ingest", "sample", "enrich", "export", "watch"])]
    stage: Option<String>,
    /// Ask there, whatever the configuration says
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["config", "stage"])]
    address: Option<SocketAddr>,
    /// How long to wait for the answer
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

pub fn run(args: &Args) -> i32 {
    let address = match address(args) {
        Ok(address) => address,
        Err(report) => {
            errln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    match ask(address, args.timeout) {
        Ok(Readiness::Ready) => {
            outln!("ready");
            exit::CLEAN
        }
        Ok(Readiness::Not(parts)) => {
            // Docker keeps what a health check prints.
            outln!("not ready");
            parts.iter().for_each(|part| outln!("  {part}"));
            exit::FAILED
        }
        Err(error) => {
            errln!("error: asked http://{address}/readyz: {error:#}");
            exit::FAILED
        }
    }
}

/// Where the process answers.
fn address(args: &Args) -> anyhow::Result<SocketAddr> {
    if let Some(address) = args.address {
        return Ok(address);
    }
    let stage = args.stage.as_deref().map(|name| match name {
        "ingest" => Stage::Ingest,
        "sample" => Stage::Sampler,
        "enrich" => Stage::Enrich,
        "watch" => Stage::Watch,
        _ => Stage::Export,
    });
    // No stage's variables are needed to know where the process is.
    let admin = Config::read_for(args.config.as_deref(), &[])?.admin;
    let admin = match stage {
        Some(stage) => admin.of_stage(stage.place()),
        None => admin,
    };
    admin
        .health
        .context("error: admin.health is off in this configuration, so there is nobody to ask")
}

enum Readiness {
    Ready,
    /// What isn't, and why.
    Not(Vec<String>),
}

fn ask(address: SocketAddr, timeout: Duration) -> anyhow::Result<Readiness> {
    let limits = Limits {
        connect: timeout,
        answer: timeout,
        answer_bytes_max: ANSWER_BYTES_MAX,
    };
    let answer = admin_client::get(address, "/readyz", &Secret::default(), limits)?;
    read(&answer)
}

fn read(answer: &Answer) -> anyhow::Result<Readiness> {
    let page: Option<Value> = serde_json::from_str(&answer.body).ok();
    // Somebody else may listen there, and answer 200 to everything.
    let Some(Value::Object(parts)) = page.as_ref().and_then(|page| page.get("parts")) else {
        bail!("this is not Tailwater's answer: {}", answer.line);
    };
    if answer.status == 200 {
        return Ok(Readiness::Ready);
    }
    let parts = parts.iter().filter(|(_, state)| *state != "ready");
    let parts = parts.map(|(part, state)| format!("{part}: {}", state.as_str().unwrap_or("?")));
    Ok(Readiness::Not(parts.collect()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// What is made of an answer.
    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        let answer = Answer {
            status,
            line: format!("HTTP/1.0 {status}"),
            body: body.to_owned(),
        };
        let found = match read(&answer) {
            Ok(Readiness::Ready) => "ready".to_owned(),
            Ok(Readiness::Not(parts)) => parts.join(", "),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn an_answer_is_ready_or_says_what_is_not() {
        let parts =
            r#"{"ready":true,"parts":{"bus":"ready","export/a":"the backend refuses all"}}"#;
        check(200, parts, "ready");
        let parts =
            r#"{"ready":false,"parts":{"bus":"waiting for the bus: refused","ingest":"ready"}}"#;
        check(503, parts, "bus: waiting for the bus: refused");
        check(200, "hello", "this is not Tailwater's answer: HTTP/1.0 200");
        check(404, "{}", "this is not Tailwater's answer: HTTP/1.0 404");
    }

    /// Whoever accepts and says nothing doesn't hold the check.
    #[test]
    fn silence_is_no_answer() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = silent.local_addr().expect("an address");
        let asked = ask(address, Duration::from_millis(50));
        assert!(asked.is_err_and(|error| error.to_string() == "no answer"));
    }

    #[test]
    fn a_process_is_asked_where_it_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a question");
            let mut question = Vec::new();
            while !question.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a question");
                question.extend(byte);
            }
            let answer = "HTTP/1.1 200 OK\r\n\r\n{\"parts\":{\"bus\":\"ready\"}}";
            stream.write_all(answer.as_bytes()).expect("an answer");
            String::from_utf8(question).expect("text")
        });
        // Everywhere is here.
        let everywhere = SocketAddr::from(([0, 0, 0, 0], port));
        let asked = ask(everywhere, Duration::from_secs(5)).expect("an answer");
        assert!(matches!(asked, Readiness::Ready));
        let question = server.join().expect("a server");
        assert!(
            question.starts_with("GET /readyz HTTP/1.0\r\n"),
            "{question}"
        );
    }
}
