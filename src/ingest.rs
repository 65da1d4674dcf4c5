//! `tailwater ingest`: OTLP onto the bus; this stage alone.

use crate::run::{Args, run_stages};
use crate::stage::Stage;

pub fn run(args: &Args) -> i32 {
    run_stages(args, &[Stage::Ingest])
}
