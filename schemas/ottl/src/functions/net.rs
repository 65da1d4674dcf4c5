//! Addresses: networks, the Community ID of a flow.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::signature::{Args, Converter, Kind, optional, required};
use crate::expr::Call;
use crate::expr::Expr;
use crate::telemetry::Subject;
use crate::value::{EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "IsInCIDR",
        parameters: &[
            required("target", Kind::Text),
            required("networks", Kind::ListOf(&Kind::Text)),
        ],
        make: is_in_cidr,
    },
    Converter {
        name: "CommunityID",
        parameters: &[
            required("source_ip", Kind::Text),
            required("source_port", Kind::Int),
            required("destination_ip", Kind::Text),
            required("destination_port", Kind::Int),
            optional("protocol", Kind::Text),
            optional("seed", Kind::Int),
        ],
        make: community_id,
    },
];

#[derive(Clone, Copy, Debug)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Result<Self> {
        let wrong = || EvalError::new(format!("{text:?} is no network such as 10.0.0.0/8"));
        let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits: u32 = bits.parse().map_err(|_| wrong())?;
        if !digits || bits > most {
            return Err(wrong());
        }
        Ok(match (address, plain(address)) {
            (IpAddr::V6(_), IpAddr::V4(inner)) if bits >= 96 => Self {
                address: inner.into(),
                bits: bits - 96,
            },
            _ => Self { address, bits },
        })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let (ours, theirs, most) = match (self.address, plain(address)) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (u128::from(a.to_bits()), u128::from(b.to_bits()), 32)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
            _ => return false,
        };
        let rest = most - self.bits;
        rest == 128 || (ours ^ theirs) >> rest == 0
    }
}

/// IPv4 addresses in IPv6 notation are IPv4 addresses.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(inner) => inner.to_ipv4_mapped().map_or(address, IpAddr::V4),
        v4 => v4,
    }
}

/// Networks that are literals are read once, so that wrong ones are found when the text is compiled.
fn is_in_cidr(mut args: Args) -> Result<Call, String> {
    let (target, networks) = (args.expr(0)?, args.exprs(1)?);
    let literal = |network: &Expr| match network.literal() {
        Some(Value::Text(text)) => Some(Network::parse(text).map_err(|error| error.to_string())),
        _ => None,
    };
    let fixed: Option<Result<Vec<Network>, String>> = networks.iter().map(literal).collect();
    let fixed = fixed.transpose()?;
    Ok(Call::any(move |at| {
        let Ok(address) = target.text(at)?.parse::<IpAddr>() else {
            return Ok(Value::Bool(false));
        };
        if let Some(fixed) = &fixed {
            return Ok(Value::Bool(
                fixed.iter().any(|network| network.contains(address)),
            ));
        }
        for network in &networks {
            if Network::parse(&network.text(at)?)?.contains(address) {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }))
}

/// Source: <https://github.com/corelight/community-id-spec>.
fn community_id(mut args: Args) -> Result<Call, String> {
    let ends = [
        (args.expr(0)?, args.expr(1)?),
        (args.expr(2)?, args.expr(3)?),
    ];
    let (protocol, seed) = (args.optional_expr(4), args.optional_expr(5));
    Ok(Call::any(move |at| {
        let mut source = endpoint(&ends[0], at)?;
        let mut destination = endpoint(&ends[1], at)?;
        let protocol = match &protocol {
            None => 6,
            Some(protocol) => protocol_number(&protocol.text(at)?)?,
        };
        let seed = match &seed {
            None => 0,
            Some(seed) => port(seed.int(at)?, "a seed")?,
        };
        if (source.0.len(), &source) > (destination.0.len(), &destination) {
            std::mem::swap(&mut source, &mut destination);
        }
        let mut flow = seed.to_be_bytes().to_vec();
        flow.extend_from_slice(&source.0);
        flow.extend_from_slice(&destination.0);
        flow.extend_from_slice(&[protocol, 0]);
        flow.extend_from_slice(&source.1.to_be_bytes());
        flow.extend_from_slice(&destination.1.to_be_bytes());
        Ok(Value::owned(format!(
            "1:{}",
            STANDARD.encode(Sha1::digest(flow))
        )))
    }))
}

fn endpoint((address, at_port): &(Expr, Expr), at: &Subject<'_>) -> Result<(Vec<u8>, u16)> {
    let text = address.text(at)?;
    let port = port(at_port.int(at)?, "a port")?;
    let address: Result<IpAddr, _> = text.parse();
    let address = address.map_err(|_| EvalError::new(format!("{text:?} is no IP address")))?;
    let bytes = match plain(address) {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    Ok((bytes, port))
}

fn port(number: i64, what: &str) -> Result<u16> {
    u16::try_from(number)
        .map_err(|_| EvalError::new(format!("{what} is between 0 and 65535, found {number}")))
}

fn protocol_number(name: &str) -> Result<u8> {
    Ok(match name {
        "ICMP" => 1,
        "TCP" => 6,
        "UDP" => 17,
        "RSVP" => 46,
        "ICMP6" => 58,
        "SCTP" => 132,
        _ => return Err(EvalError::new(format!("no protocol {name:?}"))),
    })
}
