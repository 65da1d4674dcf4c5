//! What tells streams apart: whose they are, their resource, scope and metric, and the attributes of their points in any order.

use schemas::otlp::{Item, MetricView, PointView};
use schemas::wire::{Fields, WireError};
use xxhash_rust::xxh3::xxh3_128;

/// `Resource.attributes`.
const ATTRIBUTES: u32 = 1;

/// The streams of one metric after the other.
#[derive(Debug, Default)]
pub struct Identity {
    /// Of the metric: everything but the points' attributes.
    metric: u128,
    /// The last resource's number in the record, and its hash.
    resource: Option<(usize, u128)>,
    scratch: Vec<u8>,
}

impl Identity {
    /// Another record comes.
    pub fn begin(&mut self) {
        self.resource = None;
    }

    /// Another metric comes.
    ///
    /// # Errors
    /// Its resource is malformed.
    pub fn enter(
        &mut self,
        tenant: &[u8],
        item: &Item<'_>,
        metric: &MetricView<'_>,
    ) -> Result<(), WireError> {
        let resource = match self.resource {
            Some((index, hash)) if index == item.resource.index => hash,
            _ => attributes(item.resource.resource(), ATTRIBUTES, &mut self.scratch)?,
        };
        self.resource = Some((item.resource.index, resource));
        self.scratch.clear();
        self.scratch.extend_from_slice(&resource.to_le_bytes());
        let kind = metric.kind.map_or(0, |kind| kind.field());
        self.scratch.push(kind as u8);
        self.scratch.push(u8::from(metric.is_monotonic));
        for text in [tenant, item.scope.scope(), metric.name, metric.unit] {
            self.scratch
                .extend_from_slice(&(text.len() as u64).to_le_bytes());
            self.scratch.extend_from_slice(text);
        }
        self.metric = xxh3_128(&self.scratch);
        Ok(())
    }

    /// The stream of a point of that metric.
    ///
    /// # Errors
    /// It is malformed.
    pub fn of(&mut self, point: &PointView<'_>) -> Result<u128, WireError> {
        let own = attributes(point.body, point.kind.point_attributes(), &mut self.scratch)?;
        let mut both = [0; 32];
        both[..16].copy_from_slice(&self.metric.to_le_bytes());
        both[16..].copy_from_slice(&own.to_le_bytes());
        Ok(xxh3_128(&both))
    }
}

/// A hash of a message's attributes, whatever their order.
fn attributes(message: &[u8], number: u32, scratch: &mut Vec<u8>) -> Result<u128, WireError> {
    let mut all = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        if field.number == number {
            all.push(field.raw);
        }
    }
    all.sort_unstable();
    scratch.clear();
    all.iter().for_each(|one| scratch.extend_from_slice(one));
    Ok(xxh3_128(scratch))
}
