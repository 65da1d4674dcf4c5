//! What steps do to the events of a span or the data points of a metric, one after the other.

use ottl::Draft;

use super::effect::Effect;

/// Does something to each event or data point of an item; those for which it says `dropped` are taken out of it.
pub(super) fn each(
    draft: &mut Draft<'_>,
    mut work: impl FnMut(&mut Draft<'_>) -> Effect,
) -> Effect {
    let mut all = Effect::default();
    for index in 0..draft.inner_count() {
        match draft.begin_inner(index) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(error) => return error.into(),
        }
        let effect = work(draft);
        draft.end_inner(!effect.dropped);
        all.then(Effect {
            changed: effect.changed || effect.dropped,
            dropped: false,
            ..effect
        });
        if all.failed.is_some() {
            break;
        }
    }
    all
}
