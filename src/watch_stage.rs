//! `tailwater watch`: what Kubernetes clusters say of their pods, onto the bus; this stage alone.

use runtime::exit;

use crate::run::{Args, run_stages};
use crate::stage::Stage;

pub fn run(args: &Args) -> i32 {
    if !watch::HAS_CLIENT {
        errln!(
            "error: this build of tailwater can't watch Kubernetes clusters: it was made without the cargo feature `k8s`; take a released binary, or build with `--features k8s`"
        );
        return exit::FAILED;
    }
    run_stages(args, &[Stage::Watch])
}
