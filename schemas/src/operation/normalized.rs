//! The operation of a span: its name by the conventions, without ids.

use super::Facts;
use super::convention::{Convention, conventional_name};
use super::path::template;

/// What a span does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `GET /carts/{id}`.
    pub name: String,
    /// Some id in it was replaced.
    pub templated: bool,
    /// What is said where there are too many names: `GET`. `None`: nothing shorter is known that says anything.
    pub short: Option<String>,
}

/// A longer name says nothing that a shorter one doesn't.
const BYTES_MAX: usize = 512;

/// As the conventions list them; by `_OTHER` and any other word anybody can send, names say `HTTP`.
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
];

/// The operation of a span. With `templates`, a request without a route has its path with `{id}` for ids, and so has a name that no convention
/// speaks of where it has a path in it.
///
/// # Errors
/// The span can't be read.
pub fn normalized<F: Facts>(facts: &F, templates: bool) -> Result<Operation, F::Error> {
    let operation = match conventional_name(facts)? {
        Some((Convention::Http, _)) => http(facts, templates)?,
        Some((convention, name)) => Operation {
            name,
            templated: false,
            short: short(convention, facts)?,
        },
        None if templates => unconventional(&facts.name()?),
        None => Operation {
            name: facts.name()?.into_owned(),
            templated: false,
            short: None,
        },
    };
    Ok(bounded(operation))
}

fn bounded(operation: Operation) -> Operation {
    match operation.short {
        Some(short) if operation.name.len() > BYTES_MAX => Operation {
            name: short.clone(),
            short: Some(short),
            ..operation
        },
        short => Operation { short, ..operation },
    }
}

fn http<F: Facts>(facts: &F, templates: bool) -> Result<Operation, F::Error> {
    let method = facts.either("http.request.method", "http.method")?;
    let method = method_of(method.as_deref().unwrap_or_default());
    let mut name = String::with_capacity(method.len() + 48);
    name.push_str(method);
    let mut templated = false;
    let route = match facts.kind()? {
        2 => facts.text("http.route")?,
        _ => facts.text("url.template")?,
    };
    if let Some(route) = route {
        name.push(' ');
        name.push_str(&route);
    } else if templates && let Some(path) = path(facts)? {
        name.push(' ');
        templated = template(&path, &mut name);
    }
    Ok(Operation {
        name,
        templated,
        short: Some(method.to_owned()),
    })
}

fn method_of(method: &str) -> &'static str {
    let known = METHODS.iter().find(|known| **known == method);
    known.copied().unwrap_or("HTTP")
}

/// The path of a request, by new attributes and by old ones.
fn path<F: Facts>(facts: &F) -> Result<Option<String>, F::Error> {
    if let Some(path) = facts.either("url.path", "http.target")? {
        // A target may be a whole URL, of requests to a proxy.
        return Ok(Some(path_of(&path).to_owned()));
    }
    let url = facts.either("url.full", "http.url")?;
    Ok(url.map(|url| path_of(&url).to_owned()))
}

/// The path of a URL, or what is none as it is.
fn path_of(url: &str) -> &str {
    let Some((_, behind)) = url.split_once("://") else {
        return url;
    };
    let end = behind.find(['/', '?', '#']);
    match end {
        Some(at) if behind[at..].starts_with('/') => &behind[at..],
        _ => "/",
    }
}

/// What is left when there are too many names: what was done, and not to what.
fn short<F: Facts>(convention: Convention, facts: &F) -> Result<Option<String>, F::Error> {
    let (new, old, system) = match convention {
        Convention::Http => ("http.request.method", "http.method", "HTTP"),
        Convention::Rpc => ("rpc.system.name", "rpc.system", "rpc"),
        Convention::Db => ("db.system.name", "db.system", "db"),
        Convention::Messaging => ("messaging.operation.type", "messaging.system", "messaging"),
    };
    let short = facts.either(new, old)?;
    let short = short.filter(|short| !short.is_empty() && short.len() <= 64);
    Ok(Some(short.map_or_else(|| system.to_owned(), Into::into)))
}

/// A name that no convention speaks of: `GET /users/123`, `/users/123`, `Recv /users/123`. Its words are left alone, and its paths are templated.
fn unconventional(given: &str) -> Operation {
    let mut name = String::with_capacity(given.len());
    let mut templated = false;
    for (number, word) in given.split(' ').enumerate() {
        if number > 0 {
            name.push(' ');
        }
        match word.contains('/') {
            true => templated |= template(path_of(word), &mut name),
            false => name.push_str(word),
        }
    }
    let first = given.split(' ').next().unwrap_or_default();
    let is_request = METHODS.contains(&first) && given.contains(" /");
    Operation {
        name: if templated { name } else { given.to_owned() },
        templated,
        short: is_request.then(|| first.to_owned()),
    }
}
