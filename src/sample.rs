//! `tailwater sample`: raw traces, decided whole; this stage alone.

use crate::pipeline::Stage;
use crate::run::{Args, run_stages};

pub fn run(args: &Args) -> i32 {
    run_stages(args, &[Stage::Sampler])
}
