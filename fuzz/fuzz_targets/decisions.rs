//! Decision batches: any bytes are decoded or an error; what was decoded, or made up, is the same after the way there and back, and in pieces.
#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use schemas::decisions::{Decision, DecisionBatch, EntryKind, Link, Rescue, Verdict};
use schemas::wire::put_len;

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    if let Ok(batch) = DecisionBatch::decode(bytes) {
        check(&batch);
    }
    if let Ok(batch) = made_up(&mut Unstructured::new(bytes)) {
        check(&batch);
    }
});

fn check(batch: &DecisionBatch) {
    let encoded = batch.encode();
    assert_eq!(DecisionBatch::decode(&encoded).as_ref(), Ok(batch));
    for bytes_max in [encoded.len() / 2, encoded.len() / 7] {
        let mut told = Vec::new();
        for piece in batch.encode_within(bytes_max) {
            let decoded = DecisionBatch::decode(&piece).expect("what we wrote");
            assert!(piece.len() <= bytes_max || decoded.entries.len() < 2);
            assert_eq!(decoded.generation, batch.generation);
            assert_eq!(decoded.policies, batch.policies);
            told.extend(spelled(&decoded));
        }
        assert_eq!(told, spelled(batch));
    }
}

/// Each entry with what its indexes, and what points at it, stand for.
fn spelled(batch: &DecisionBatch) -> Vec<String> {
    let links = |links: &[Link], at: usize| -> Vec<_> {
        let links = links.iter().filter(|link| link.entry as usize == at);
        links.map(|link| link.trace_id).collect()
    };
    let spell = |(at, entry): (usize, &Decision)| {
        let rescues: Vec<_> = (batch.rescues.iter())
            .filter(|rescue| rescue.entry as usize == at)
            .map(|rescue| (rescue.from_offset, rescue.to_offset))
            .collect();
        let rules = batch.statistics.len();
        let keys = &batch.keys[at * rules..(at + 1) * rules];
        let plain = Decision {
            tenant: None,
            promoted: None,
            match_set: 0,
            root_service: None,
            root_operation: None,
            ..entry.clone()
        };
        let name = |at: Option<u32>| at.map(|at| &batch.strings[at as usize]);
        format!(
            "{plain:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {rescues:?} {:?} {keys:?}",
            entry.tenant.map(|at| &batch.tenants[at as usize]),
            entry.promoted.map(|at| &batch.promoted[at as usize]),
            batch.match_sets[entry.match_set as usize],
            name(entry.root_service),
            name(entry.root_operation),
            links(&batch.links, at),
            links(&batch.sources, at),
            batch.statistics,
        )
    };
    batch.entries.iter().enumerate().map(spell).collect()
}

/// A batch whose indexes lead somewhere, from noise.
fn made_up(noise: &mut Unstructured<'_>) -> Result<DecisionBatch> {
    let policies: Vec<String> = list(noise, 1, |noise| noise.arbitrary())?;
    let strings: Vec<String> = list(noise, 1, |noise| noise.arbitrary())?;
    let tenants: Vec<Vec<u8>> = list(noise, 0, |noise| noise.arbitrary())?;
    let promoted = list(noise, 0, attribute)?;
    let match_sets = list(noise, 1, |noise| {
        list(noise, 0, |noise| {
            Ok(noise.choose_index(policies.len())? as u16)
        })
    })?;
    let entries = list(noise, 1, |noise| {
        let index = |noise: &mut Unstructured<'_>, of: usize| -> Result<Option<u32>> {
            match of > 0 && noise.arbitrary()? {
                true => Ok(Some(noise.choose_index(of)? as u32)),
                false => Ok(None),
            }
        };
        Ok(Decision {
            tenant: index(noise, tenants.len())?,
            trace_id: noise.arbitrary()?,
            verdict: *noise.choose(&[Verdict::Drop, Verdict::Keep])?,
            kind: *noise.choose(&[
                EntryKind::Decided,
                EntryKind::Extended,
                EntryKind::Reopened,
                EntryKind::Linked,
            ])?,
            is_final: noise.arbitrary()?,
            policy: index(noise, policies.len())?.map(|at| at as u16),
            match_set: noise.choose_index(match_sets.len())? as u32,
            threshold: noise.arbitrary()?,
            randomness: noise.arbitrary()?,
            first_offset: noise.arbitrary()?,
            last_offset: noise.arbitrary()?,
            time_ms: noise.arbitrary()?,
            spans: noise.arbitrary()?,
            errors: noise.arbitrary()?,
            bytes: noise.arbitrary()?,
            duration_us: noise.arbitrary()?,
            shape: noise.arbitrary()?,
            root_service: index(noise, strings.len())?,
            root_operation: index(noise, strings.len())?,
            promoted: index(noise, promoted.len())?,
        })
    })?;
    let links = |noise: &mut Unstructured<'_>| {
        list(noise, 0, |noise| {
            let entry = noise.choose_index(entries.len())? as u32;
            Ok(Link {
                entry,
                trace_id: noise.arbitrary()?,
            })
        })
    };
    let (to, from) = (links(noise)?, links(noise)?);
    let rescues = list(noise, 0, |noise| {
        Ok(Rescue {
            entry: noise.choose_index(entries.len())? as u32,
            from_offset: noise.arbitrary()?,
            to_offset: noise.arbitrary()?,
        })
    })?;
    let statistics: Vec<u64> = list(noise, 0, |noise| noise.arbitrary())?;
    let keys = (0..entries.len() * statistics.len()).map(|_| noise.arbitrary());
    let keys = keys.collect::<Result<_>>()?;
    Ok(DecisionBatch {
        generation: noise.arbitrary()?,
        keys,
        policies,
        strings,
        match_sets,
        links: to,
        sources: from,
        rescues,
        statistics,
        tenants: tenants.into_iter().map(Into::into).collect(),
        promoted: promoted.into_iter().map(Into::into).collect(),
        entries,
    })
}

/// A list of one attribute, with text.
fn attribute(noise: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (key, value): (Vec<u8>, Vec<u8>) = noise.arbitrary()?;
    let (mut any, mut pair, mut list) = (Vec::new(), Vec::new(), Vec::new());
    put_len(&mut any, 1, &value);
    put_len(&mut pair, 1, &key);
    put_len(&mut pair, 2, &any);
    put_len(&mut list, 1, &pair);
    Ok(list)
}

fn list<T>(
    noise: &mut Unstructured<'_>,
    least: usize,
    mut one: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let length = noise.int_in_range(least..=least + 3)?;
    (0..length).map(|_| one(noise)).collect()
}
