//! `tailwater export`: what enrich let through, to its backends; this stage alone.

use crate::run::{Args, run_stages};
use crate::stage::Stage;

pub fn run(args: &Args) -> i32 {
    run_stages(args, &[Stage::Export])
}
