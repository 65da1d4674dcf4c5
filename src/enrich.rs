//! `tailwater enrich`: what was kept, redacted and transformed; this stage alone.

use crate::run::{Args, run_stages};
use crate::stage::Stage;

pub fn run(args: &Args) -> i32 {
    run_stages(args, &[Stage::Enrich])
}
