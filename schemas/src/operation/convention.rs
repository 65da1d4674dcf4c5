//! The name of a span by the semantic conventions for HTTP, RPC, databases and messaging, from new attributes and from old ones.
//!
//! The same names as the Collector's `set_semconv_span_name` gives, spans of kind INTERNAL and spans without such attributes included, which have none.

use std::borrow::Cow;

use super::Facts;

/// Numbers of kinds.
const SERVER: i64 = 2;
const CLIENT: i64 = 3;
const PRODUCER: i64 = 4;
const CONSUMER: i64 = 5;

/// What a span speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    Http,
    Rpc,
    Db,
    Messaging,
}

type Name<F> = Result<Option<String>, <F as Facts>::Error>;

/// The name that a convention gives the span, and which one; `None`: none speaks of it.
///
/// # Errors
/// The span can't be read.
pub fn conventional_name<F: Facts>(facts: &F) -> Result<Option<(Convention, String)>, F::Error> {
    use Convention as C;
    let (order, route): (&[C], _) = match facts.kind()? {
        SERVER => (&[C::Http, C::Rpc, C::Messaging], "http.route"),
        CLIENT => (&[C::Http, C::Rpc, C::Db, C::Messaging], "url.template"),
        PRODUCER | CONSUMER => (&[C::Messaging], ""),
        _ => (&[], ""),
    };
    for convention in order {
        let name = match convention {
            C::Http => http(facts, route)?,
            C::Rpc => rpc(facts)?,
            C::Db => db(facts)?,
            C::Messaging => messaging(facts)?,
        };
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            return Ok(Some((*convention, name)));
        }
    }
    Ok(None)
}

/// <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name>
fn http<F: Facts>(facts: &F, route: &'static str) -> Name<F> {
    let Some(method) = facts.either("http.request.method", "http.method")? else {
        return Ok(None);
    };
    let route = facts.text(route)?;
    Ok(Some(joined(Some(method), " ", route).unwrap_or_default()))
}

/// <https://opentelemetry.io/docs/specs/semconv/rpc/rpc-spans/#span-name>. Of late the method says the service as well.
fn rpc<F: Facts>(facts: &F) -> Name<F> {
    let Some(system) = facts.either("rpc.system.name", "rpc.system")? else {
        return Ok(None);
    };
    let method = facts.either("rpc.method", "rpc.grpc.method")?;
    let service = facts.either("rpc.service", "rpc.grpc.service")?;
    Ok(Some(match (service, method) {
        (Some(service), None) => format!("{service}/*"),
        (None, None) => system.into_owned(),
        (service, method) => joined(service, "/", method).unwrap_or_default(),
    }))
}

/// <https://opentelemetry.io/docs/specs/semconv/database/database-spans/#name>
fn db<F: Facts>(facts: &F) -> Name<F> {
    let Some(system) = facts.either("db.system.name", "db.system")? else {
        return Ok(None);
    };
    if let Some(summary) = facts.text("db.query.summary")? {
        return Ok(Some(summary.into_owned()));
    }
    let operation = facts.either("db.operation.name", "db.operation")?;
    let name = joined(some(operation), " ", some(db_target(facts)?));
    Ok(Some(name.unwrap_or_else(|| system.into_owned())))
}

/// The collection or procedure within its namespace, or what of that is known, or else the server.
fn db_target<F: Facts>(facts: &F) -> Result<Option<Cow<'_, str>>, F::Error> {
    let namespace = some(facts.either("db.namespace", "db.name")?);
    if let Some(what) = facts.either("db.collection.name", "db.stored_procedure.name")? {
        return Ok(joined(namespace, ".", Some(what)).map(Cow::Owned));
    }
    match namespace {
        Some(namespace) => Ok(Some(namespace)),
        None => server(facts),
    }
}

/// <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/#span-name>
fn messaging<F: Facts>(facts: &F) -> Name<F> {
    let Some(system) = facts.text("messaging.system")? else {
        return Ok(None);
    };
    let operation = facts.either("messaging.operation.name", "messaging.operation")?;
    let name = joined(operation, " ", some(destination(facts)?));
    Ok(Some(name.unwrap_or_else(|| system.into_owned())))
}

/// Destinations that come and go have no name of their own.
fn destination<F: Facts>(facts: &F) -> Result<Option<Cow<'_, str>>, F::Error> {
    if facts.is_true("messaging.destination.temporary")? {
        return Ok(Some("(temporary)".into()));
    }
    if facts.is_true("messaging.destination.anonymous")? {
        return Ok(Some("(anonymous)".into()));
    }
    if let Some(template) = facts.text("messaging.destination.template")? {
        return Ok(Some(template));
    }
    match facts.either("messaging.destination.name", "messaging.destination")? {
        Some(name) => Ok(Some(name)),
        None => server(facts),
    }
}

fn server<F: Facts>(facts: &F) -> Result<Option<Cow<'_, str>>, F::Error> {
    let Some(address) = facts.text("server.address")? else {
        return Ok(None);
    };
    let port = facts.text("server.port")?;
    Ok(joined(Some(address), ":", port).map(Cow::Owned))
}

/// What isn't empty.
fn some(text: Option<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    text.filter(|text| !text.is_empty())
}

/// Both with something in between, or the one that is there.
fn joined(
    first: Option<Cow<'_, str>>,
    between: &str,
    second: Option<Cow<'_, str>>,
) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => {
            let mut out = String::with_capacity(first.len() + between.len() + second.len());
            out.push_str(&first);
            out.push_str(between);
            out.push_str(&second);
            Some(out)
        }
        (one, other) => one.or(other).map(Cow::into_owned),
    }
}
