//! `tailwater export`: what enrich let through, to its backends; this stage alone.

use crate::pipeline::Stage;
use crate::run::{Args, run_stages};

pub fn run(args: &Args) -> i32 {
    run_stages(args, &[Stage::Export])
}
