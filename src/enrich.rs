//! `tailwater enrich`: what was kept, redacted and transformed; this stage alone.

use crate::pipeline::Stage;
use crate::run::{Args, run_stages};

pub fn run(args: &Args) -> i32 {
    run_stages(args, &[Stage::Enrich])
}
