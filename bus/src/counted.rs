//! Counting after the commit: how every stage that commits epochs counts.
//!
//! What isn't visible didn't happen. An epoch that was refused or aborted is read again by somebody, who counts it; one that was counted before its
//! commit would be counted twice.

use std::time::{Duration, Instant};

use crate::{CommitError, Committer, Epoch};

/// Commits an epoch, and counts what is in it once it is visible: `count` gets the time that the commit took.
///
/// # Errors
/// Those of [`Committer::commit`]; nothing is counted then.
pub fn commit(
    committer: &mut dyn Committer,
    epoch: &Epoch,
    count: impl FnOnce(Duration),
) -> Result<(), CommitError> {
    let begin = Instant::now();
    committer.commit(epoch)?;
    count(begin.elapsed());
    Ok(())
}
