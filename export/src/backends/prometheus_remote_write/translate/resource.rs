//! What resources and scopes contribute to the labels of their series.

use schemas::otlp::{ResourceHead, ScopeHead};
use schemas::wire::{Fields, WireError};

use super::super::wire::{Symbol, Symbols};
use super::labels::{Base, Keys, Meeting, Name, value_text};
use super::rules::Rules;

const SERVICE_NAMESPACE: &[u8] = b"service.namespace";
const SERVICE_NAME: &[u8] = b"service.name";
const SERVICE_INSTANCE: &[u8] = b"service.instance.id";
/// What `job` and `instance` are made of.
const IDENTIFYING: [&[u8]; 3] = [SERVICE_NAMESPACE, SERVICE_NAME, SERVICE_INSTANCE];

/// A resource, read once for all of its points.
#[derive(Default)]
pub struct Resource<'a> {
    /// Keys and values, as they come.
    pub attributes: Vec<(&'a [u8], Symbol)>,
    pub job: Text,
    pub instance: Text,
    /// Labels of all of its series.
    pub base: Base,
}

/// A text that may be missing.
type Text = Option<Symbol>;

/// The names of labels that are always there, in the numbers of one request.
pub struct FixedNames {
    pub metric: Name,
    pub le: Name,
    pub quantile: Name,
    pub job: Name,
    pub instance: Name,
    scope_name: Name,
    scope_version: Name,
    scope_schema_url: Name,
    external: Vec<(Name, Symbol)>,
}

impl FixedNames {
    pub fn new(symbols: &mut Symbols, rules: &Rules) -> Self {
        let mut name = |text| Name::new(symbols, text);
        let (metric, le, quantile) = (name("__name__"), name("le"), name("quantile"));
        let (job, instance) = (name("job"), name("instance"));
        let (scope_name, scope_version) = (name("otel_scope_name"), name("otel_scope_version"));
        let scope_schema_url = name("otel_scope_schema_url");
        let external = rules.external_labels.iter();
        Self {
            metric,
            le,
            quantile,
            job,
            instance,
            scope_name,
            scope_version,
            scope_schema_url,
            external: external
                .map(|(name, value)| (Name::new(symbols, name), symbols.of(value)))
                .collect(),
        }
    }
}

impl FixedNames {
    /// Puts in what identifies a resource, and the labels that all series have.
    pub fn identify(&self, resource: &Resource<'_>, symbols: &Symbols, base: &mut Base) {
        for (name, value) in [(self.job, resource.job), (self.instance, resource.instance)] {
            if let Some(value) = value {
                base.put(symbols, name, value, Meeting::Wins);
            }
        }
        for (name, value) in &self.external {
            base.put_missing(symbols, *name, *value);
        }
    }
}

impl<'a> Resource<'a> {
    /// Reads the next resource in place of this one.
    ///
    /// # Errors
    /// It is malformed.
    pub fn read(
        &mut self,
        head: &ResourceHead<'a>,
        rules: &Rules,
        fixed: &FixedNames,
        keys: &Keys<'a>,
        symbols: &mut Symbols,
    ) -> Result<(), WireError> {
        self.attributes.clear();
        for pair in head.attributes() {
            let pair = pair?;
            self.attributes
                .push((pair.key, value_text(symbols, pair.value)));
        }
        self.job = self.job_of(symbols);
        self.instance = self.get(SERVICE_INSTANCE);
        self.base.clear();
        for (key, value) in &self.attributes {
            let promoted = rules.promote.iter().any(|own| own.as_bytes() == *key);
            if promoted && let Some(name) = keys.made(symbols, key) {
                self.base.put(symbols, name, *value, Meeting::Yields);
            }
        }
        let mut base = std::mem::take(&mut self.base);
        fixed.identify(self, symbols, &mut base);
        self.base = base;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Text {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(own, _)| *own == key)?;
        (*value != Symbol::EMPTY).then_some(*value)
    }

    fn job_of(&self, symbols: &mut Symbols) -> Text {
        let has = |key: &[u8]| self.attributes.iter().any(|(own, _)| *own == key);
        if !has(SERVICE_NAME) {
            return None;
        }
        let name = self.get(SERVICE_NAME).unwrap_or(Symbol::EMPTY);
        if !has(SERVICE_NAMESPACE) {
            return self.get(SERVICE_NAME);
        }
        let namespace = self.get(SERVICE_NAMESPACE).unwrap_or(Symbol::EMPTY);
        let job = [symbols.text(namespace), b"/", symbols.text(name)].concat();
        Some(symbols.of_bytes(&job))
    }

    /// The attributes that `target_info` is there for: all but those that `job` and `instance` are made of.
    pub fn describing(&self) -> impl Iterator<Item = (&'a [u8], Symbol)> {
        let attributes = self.attributes.iter().copied();
        attributes.filter(|(key, _)| !IDENTIFYING.contains(key))
    }
}

/// The labels of all series of a scope, those of its resource among them.
///
/// # Errors
/// It is malformed.
pub fn scope_base<'a>(
    resource: &Base,
    scope: &ScopeHead<'a>,
    rules: &Rules,
    fixed: &FixedNames,
    keys: &Keys<'a>,
    symbols: &mut Symbols,
) -> Result<Base, WireError> {
    let mut base = resource.clone();
    if !rules.scope_labels {
        return Ok(base);
    }
    let (mut name, mut version): (&[u8], &[u8]) = (&[], &[]);
    for field in Fields::new(scope.scope()) {
        let field = field?;
        match field.number {
            1 => name = field.len_value()?,
            2 => version = field.len_value()?,
            _ => {}
        }
    }
    if name.is_empty() {
        return Ok(base);
    }
    let mut schema_url: &[u8] = &[];
    for field in scope.fields() {
        let field = field?;
        if field.number == 3 {
            schema_url = field.len_value()?;
        }
    }
    for pair in scope.attributes() {
        let pair = pair?;
        let key = [b"otel_scope_", pair.key].concat();
        let value = value_text(symbols, pair.value);
        if let (true, Some(name)) = (value != Symbol::EMPTY, keys.made(symbols, &key)) {
            base.put(symbols, name, value, Meeting::Wins);
        }
    }
    let own = [
        (fixed.scope_name, name),
        (fixed.scope_version, version),
        (fixed.scope_schema_url, schema_url),
    ];
    for (name, text) in own {
        let value = symbols.of_bytes(text);
        base.put(symbols, name, value, Meeting::Wins);
    }
    Ok(base)
}
