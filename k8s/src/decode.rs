//! Entries from bytes. What is malformed is an error, never a panic; what is unknown is passed over.

use std::net::IpAddr;

use schemas::wire::{Field, Fields, WireError};

use crate::encode::VERSION;
use crate::object::{Container, Deletion, Entry, Instance, Kind, Object, Owner, Pod, Text};

/// Why a record can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("it is malformed: {0}")]
    Wire(#[from] WireError),
    #[error("it is of version {0}, and this build reads up to {VERSION}: update Tailwater here")]
    Version(u64),
    #[error("an address has {0} bytes")]
    Address(usize),
}

type Result<T> = std::result::Result<T, DecodeError>;

/// The entries of one record, in order. Those of kinds that this build doesn't know are left out.
///
/// # Errors
/// The record is malformed, or of a later version.
pub fn decode(value: &[u8]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for field in Fields::new(value) {
        let field = field?;
        match field.number {
            1 if field.varint_value()? > VERSION => {
                return Err(DecodeError::Version(field.varint_value()?));
            }
            2 => entries.extend(entry(field.len_value()?)?),
            _ => {}
        }
    }
    Ok(entries)
}

/// `None`: it is about something that isn't known here.
fn entry(message: &[u8]) -> Result<Option<Entry>> {
    let (mut cluster, mut seen_ms, mut what) = (Text::default(), 0, None);
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => cluster = text(&field)?,
            2 => seen_ms = field.varint_value()?,
            3..=6 => what = Some((field.number, field.len_value()?)),
            _ => {}
        }
    }
    let Some((number, message)) = what else {
        return Ok(None);
    };
    Ok(match number {
        3 => Some(Entry::Pod {
            cluster,
            seen_ms,
            pod: pod(message)?,
        }),
        4 => object(message)?.map(|object| Entry::Object {
            cluster,
            seen_ms,
            object,
        }),
        5 => deleted(cluster, message)?,
        _ => listed(cluster, message)?,
    })
}

fn deleted(cluster: Text, message: &[u8]) -> Result<Option<Entry>> {
    let (mut known, mut uid) = (None, Text::default());
    let mut deletion = Deletion {
        at_ms: 0,
        is_exact: false,
        keep_ms: 0,
    };
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => known = kind(&field)?,
            2 => uid = text(&field)?,
            3 => deletion.at_ms = field.varint_value()?,
            4 => deletion.is_exact = field.varint_value()? != 0,
            5 => deletion.keep_ms = field.varint_value()?,
            _ => {}
        }
    }
    Ok(known.map(|kind| Entry::Deleted {
        cluster,
        kind,
        uid,
        deletion,
    }))
}

fn listed(cluster: Text, message: &[u8]) -> Result<Option<Entry>> {
    let (mut known, mut at_ms) = (None, 0);
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => known = kind(&field)?,
            2 => at_ms = field.varint_value()?,
            _ => {}
        }
    }
    Ok(known.map(|kind| Entry::Listed {
        cluster,
        kind,
        at_ms,
    }))
}

fn pod(message: &[u8]) -> Result<Pod> {
    let mut pod = Pod::default();
    let (mut ips, mut owners, mut containers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut labels, mut annotations) = (Vec::new(), Vec::new());
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => pod.uid = text(&field)?,
            2 => pod.namespace = text(&field)?,
            3 => pod.name = text(&field)?,
            4 => pod.hostname = said(text(&field)?),
            5 => pod.node = said(text(&field)?),
            6 => pod.host_network = field.varint_value()? != 0,
            7 => pod.created_ms = field.varint_value()?,
            8 => pod.started_ms = Some(field.varint_value()?).filter(|at| *at != 0),
            9 => pod.ip_since_ms = field.varint_value()?,
            10 => pod.ended_ms = Some(field.varint_value()?).filter(|at| *at != 0),
            11 => ips.push(address(field.len_value()?)?),
            12 => owners.push(owner(field.len_value()?)?),
            13 => labels.push(pair(field.len_value()?)?),
            14 => annotations.push(pair(field.len_value()?)?),
            15 => containers.push(container(field.len_value()?)?),
            _ => {}
        }
    }
    Ok(Pod {
        ips: ips.into(),
        owners: owners.into(),
        labels: labels.into(),
        annotations: annotations.into(),
        containers: containers.into(),
        ..pod
    })
}

fn container(message: &[u8]) -> Result<Container> {
    let (mut name, mut image, mut image_id) = (Text::default(), Text::default(), Text::default());
    let mut instances = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => name = text(&field)?,
            2 => image = text(&field)?,
            3 => image_id = text(&field)?,
            4 => instances.push(instance(field.len_value()?)?),
            _ => {}
        }
    }
    Ok(Container {
        name,
        image,
        image_id,
        instances: instances.into(),
    })
}

fn instance(message: &[u8]) -> Result<Instance> {
    let (mut restarts, mut id) = (0, Text::default());
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => restarts = u32::try_from(field.varint_value()?).unwrap_or(u32::MAX),
            2 => id = text(&field)?,
            _ => {}
        }
    }
    Ok(Instance { restarts, id })
}

fn object(message: &[u8]) -> Result<Option<Object>> {
    let (mut known, mut uid) = (None, Text::default());
    let (mut namespace, mut name) = (Text::default(), Text::default());
    let (mut owners, mut labels, mut annotations) = (Vec::new(), Vec::new(), Vec::new());
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => known = kind(&field)?,
            2 => uid = text(&field)?,
            3 => namespace = text(&field)?,
            4 => name = text(&field)?,
            5 => owners.push(owner(field.len_value()?)?),
            6 => labels.push(pair(field.len_value()?)?),
            7 => annotations.push(pair(field.len_value()?)?),
            _ => {}
        }
    }
    Ok(known.map(|kind| Object {
        kind,
        uid,
        namespace,
        name,
        owners: owners.into(),
        labels: labels.into(),
        annotations: annotations.into(),
    }))
}

fn owner(message: &[u8]) -> Result<Owner> {
    let (mut kind, mut name, mut uid) = (Text::default(), Text::default(), Text::default());
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => kind = text(&field)?,
            2 => name = text(&field)?,
            3 => uid = text(&field)?,
            _ => {}
        }
    }
    Ok(Owner { kind, name, uid })
}

fn pair(message: &[u8]) -> Result<(Text, Text)> {
    let (mut key, mut value) = (Text::default(), Text::default());
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => key = text(&field)?,
            2 => value = text(&field)?,
            _ => {}
        }
    }
    Ok((key, value))
}

fn kind(field: &Field<'_>) -> Result<Option<Kind>> {
    let number = field.varint_value()?;
    Ok(Kind::ALL.into_iter().find(|kind| *kind as u64 == number))
}

/// As protobuf has it, what is empty isn't there.
fn said(text: Text) -> Option<Text> {
    Some(text).filter(|text| !text.is_empty())
}

fn text(field: &Field<'_>) -> Result<Text> {
    let utf8 = std::str::from_utf8(field.len_value()?);
    let text = utf8.map_err(|_| WireError::Utf8 {
        field: field.number,
    })?;
    Ok(text.into())
}

fn address(bytes: &[u8]) -> Result<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Ok(octets.into());
    }
    let octets = <[u8; 16]>::try_from(bytes).map_err(|_| DecodeError::Address(bytes.len()))?;
    Ok(octets.into())
}
