//! Entries as bytes: protobuf's wire format, described in `docs/reference/bus.md`. New fields may be added; readers pass over what they don't know.

use std::net::IpAddr;

use schemas::wire::{put_len, put_varint_field};

use crate::object::{Container, Entry, Object, Owner, Pairs, Pod};

/// What is written. A reader refuses a higher one.
pub const VERSION: u64 = 1;

/// One record's value.
pub fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        encode_entry(entry, &mut out);
    }
    out
}

/// Appends an entry to a record's value, which may be empty.
pub fn encode_entry(entry: &Entry, out: &mut Vec<u8>) {
    if out.is_empty() {
        put_varint_field(out, 1, VERSION);
    }
    let mut message = Vec::new();
    match entry {
        Entry::Pod {
            cluster,
            seen_ms,
            pod,
        } => {
            text(&mut message, 1, cluster);
            put_varint_field(&mut message, 2, *seen_ms);
            nested(&mut message, 3, |out| put_pod(pod, out));
        }
        Entry::Object {
            cluster,
            seen_ms,
            object,
        } => {
            text(&mut message, 1, cluster);
            put_varint_field(&mut message, 2, *seen_ms);
            nested(&mut message, 4, |out| put_object(object, out));
        }
        Entry::Deleted {
            cluster,
            kind,
            uid,
            deletion,
        } => {
            text(&mut message, 1, cluster);
            nested(&mut message, 5, |out| {
                number(out, 1, *kind as u64);
                text(out, 2, uid);
                number(out, 3, deletion.at_ms);
                number(out, 4, u64::from(deletion.is_exact));
                number(out, 5, deletion.keep_ms);
            });
        }
        Entry::Listed {
            cluster,
            kind,
            at_ms,
        } => {
            text(&mut message, 1, cluster);
            nested(&mut message, 6, |out| {
                number(out, 1, *kind as u64);
                number(out, 2, *at_ms);
            });
        }
    }
    put_len(out, 2, &message);
}

fn put_pod(pod: &Pod, out: &mut Vec<u8>) {
    text(out, 1, &pod.uid);
    text(out, 2, &pod.namespace);
    text(out, 3, &pod.name);
    text(out, 4, pod.hostname.as_deref().unwrap_or_default());
    text(out, 5, pod.node.as_deref().unwrap_or_default());
    number(out, 6, u64::from(pod.host_network));
    number(out, 7, pod.created_ms);
    number(out, 8, pod.started_ms.unwrap_or_default());
    number(out, 9, pod.ip_since_ms);
    number(out, 10, pod.ended_ms.unwrap_or_default());
    for ip in &pod.ips {
        match ip {
            IpAddr::V4(ip) => put_len(out, 11, &ip.octets()),
            IpAddr::V6(ip) => put_len(out, 11, &ip.octets()),
        }
    }
    owners(&pod.owners, 12, out);
    pairs(&pod.labels, 13, out);
    pairs(&pod.annotations, 14, out);
    for container in &pod.containers {
        nested(out, 15, |out| put_container(container, out));
    }
}

fn put_container(container: &Container, out: &mut Vec<u8>) {
    text(out, 1, &container.name);
    text(out, 2, &container.image);
    text(out, 3, &container.image_id);
    for instance in &container.instances {
        nested(out, 4, |out| {
            number(out, 1, u64::from(instance.restarts));
            text(out, 2, &instance.id);
        });
    }
}

fn put_object(object: &Object, out: &mut Vec<u8>) {
    number(out, 1, object.kind as u64);
    text(out, 2, &object.uid);
    text(out, 3, &object.namespace);
    text(out, 4, &object.name);
    owners(&object.owners, 5, out);
    pairs(&object.labels, 6, out);
    pairs(&object.annotations, 7, out);
}

fn owners(owners: &[Owner], field: u32, out: &mut Vec<u8>) {
    for owner in owners {
        nested(out, field, |out| {
            text(out, 1, &owner.kind);
            text(out, 2, &owner.name);
            text(out, 3, &owner.uid);
        });
    }
}

fn pairs(pairs: &Pairs, field: u32, out: &mut Vec<u8>) {
    for (key, value) in pairs {
        nested(out, field, |out| {
            text(out, 1, key);
            text(out, 2, value);
        });
    }
}

fn nested(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let mut message = Vec::new();
    write(&mut message);
    put_len(out, field, &message);
}

/// What is empty isn't written, as protobuf has it.
fn text(out: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        put_len(out, field, text.as_bytes());
    }
}

fn number(out: &mut Vec<u8>, field: u32, number: u64) {
    if number != 0 {
        put_varint_field(out, field, number);
    }
}
