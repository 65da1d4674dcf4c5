//! Model tests of packing: what comes out is what went in, grouped by resource and scope in order of first appearance.

use fastrand::Rng;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message;
use schemas::otlp::{Item, Items, ResourceHead, ScopeHead};
use schemas::pack::Packer;
use schemas::wire;

/// Requests whose resources and scopes are drawn from few, so that they meet again within and across requests.
fn sources(rng: &mut Rng) -> Vec<ExportTraceServiceRequest> {
    let resources: Vec<_> = (0..3)
        .map(|_| {
            (
                crate::generate::maybe(rng, crate::generate::resource),
                crate::generate::text(rng),
            )
        })
        .collect();
    let scopes: Vec<_> = (0..3)
        .map(|_| {
            (
                crate::generate::maybe(rng, crate::generate::scope),
                crate::generate::text(rng),
            )
        })
        .collect();
    let request = |rng: &mut Rng| ExportTraceServiceRequest {
        resource_spans: crate::generate::many(rng, 4, |rng| {
            let (resource, schema_url) = resources[rng.usize(..3)].clone();
            ResourceSpans {
                resource,
                scope_spans: crate::generate::many(rng, 4, |rng| {
                    let (scope, schema_url) = scopes[rng.usize(..3)].clone();
                    ScopeSpans {
                        scope,
                        spans: crate::generate::many(rng, 4, crate::generate::span),
                        schema_url,
                    }
                }),
                schema_url,
            }
        }),
    };
    crate::generate::many(rng, 5, request)
}

/// The plain way: groups are found by comparing messages one by one. NaN is not equal to itself, so bytes are compared.
fn model(sources: &[ExportTraceServiceRequest]) -> ExportTraceServiceRequest {
    let mut out = ExportTraceServiceRequest::default();
    for resource in sources.iter().flat_map(|source| &source.resource_spans) {
        for scope in resource
            .scope_spans
            .iter()
            .filter(|scope| !scope.spans.is_empty())
        {
            let resource_head = ResourceSpans {
                scope_spans: Vec::new(),
                ..resource.clone()
            };
            let resource = find(&mut out.resource_spans, resource_head, |resource| {
                ResourceSpans {
                    scope_spans: Vec::new(),
                    ..resource.clone()
                }
            });
            let scope_head = ScopeSpans {
                spans: Vec::new(),
                ..scope.clone()
            };
            let found = find(&mut resource.scope_spans, scope_head, |scope| ScopeSpans {
                spans: Vec::new(),
                ..scope.clone()
            });
            found.spans.extend(scope.spans.iter().cloned());
        }
    }
    out
}

fn find<M: Message>(groups: &mut Vec<M>, head: M, head_of: impl Fn(&M) -> M) -> &mut M {
    let bytes = head.encode_to_vec();
    let at = groups
        .iter()
        .position(|group| head_of(group).encode_to_vec() == bytes);
    let at = at.unwrap_or_else(|| {
        groups.push(head);
        groups.len() - 1
    });
    &mut groups[at]
}

fn pack(packer: &mut Packer, sources: &[ExportTraceServiceRequest]) -> Vec<u8> {
    let mut items = 0;
    for source in sources {
        packer.begin_source();
        for item in Items::new(&source.encode_to_vec()) {
            packer.push(&item.unwrap());
            items += 1;
        }
    }
    assert_eq!(packer.items(), items);
    let bound = packer.bytes();
    let request = packer.finish();
    assert!(
        request.len() <= bound,
        "{} bytes, {bound} said",
        request.len()
    );
    assert!(packer.is_empty() && packer.bytes() == 0);
    request.to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn packing_groups_by_resource_and_scope_in_order(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let mut packer = Packer::new();
        // The packer is used twice: nothing of the first request may stay.
        for sources in [sources(rng), sources(rng)] {
            let packed = pack(&mut packer, &sources);
            let decoded = ExportTraceServiceRequest::decode(&*packed).unwrap();
            // Not the packed bytes themselves: heads are written in front of their children, prost's schema_url behind.
            prop_assert_eq!(decoded.encode_to_vec(), model(&sources).encode_to_vec());
            prop_assert_eq!(pack(&mut packer, &[decoded]), packed);
        }
    }

    #[test]
    fn a_suffix_changes_a_span(seed: u64, name in ".{0,200}") {
        let rng = &mut Rng::with_seed(seed);
        let mut span = crate::generate::span(rng);
        let body = span.encode_to_vec();
        let mut suffix = Vec::new();
        wire::put_len(&mut suffix, 5, name.as_bytes());
        let mut packer = Packer::new();
        packer.begin_source();
        packer.push_with_suffix(
            &Item {
                resource: ResourceHead::new(&[], 0),
                scope: ScopeHead::new(&[], 0),
                body: &body,
            },
            &suffix,
        );
        let packed = ExportTraceServiceRequest::decode(packer.finish()).unwrap();
        span.name = name;
        let expected: Vec<Span> = vec![span];
        prop_assert_eq!(
            packed.resource_spans[0].scope_spans[0].encode_to_vec(),
            ScopeSpans { spans: expected, ..ScopeSpans::default() }.encode_to_vec()
        );
    }
}

#[test]
fn equal_scopes_of_different_resources_stay_apart() {
    let mut packer = Packer::new();
    for (resource, body) in [
        (&[0x1a, 1, b'a'][..], b"1"),
        (&[0x1a, 1, b'b'], b"2"),
        (&[0x1a, 1, b'a'], b"3"),
    ] {
        packer.begin_source();
        packer.push(&Item {
            resource: ResourceHead::new(resource, 0),
            scope: ScopeHead::new(&[0x1a, 1, b's'], 0),
            body,
        });
    }
    let packed = packer.finish();
    let mut bodies = Vec::new();
    for item in Items::new(&packed).map(Result::unwrap) {
        let mut head = Vec::new();
        item.resource.write(&mut head);
        item.scope.write(&mut head);
        bodies.push((head, item.body, item.resource.index));
    }
    let head = |resource| vec![0x1a, 1, resource, 0x1a, 1, b's'];
    assert_eq!(
        bodies,
        [
            (head(b'a'), &b"1"[..], 0),
            (head(b'a'), b"3", 0),
            (head(b'b'), b"2", 1)
        ]
    );
}
