//! Which topics a tenant's telemetry goes to: those of its retention class, or none where that class isn't taken here.
//!
//! This holds what is configured and answers; refusing, packing and publishing are elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use schemas::Topics;

/// The classes that are taken here, and every tenant's class.
#[derive(Clone, Debug)]
pub struct Residency {
    /// What groups are named after, whatever is taken: readers of one topic share it between them.
    base: Topics,
    taken: Vec<Topics>,
    /// Of tenants with an entry in the configuration.
    by_name: HashMap<Box<[u8]>, Class>,
    /// Of the others, and of data that names no tenant.
    by_default: Class,
}

/// A retention class, as seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Taken, with its number among [`Residency::taken`].
    Taken(usize),
    /// Not taken here; its name.
    Elsewhere(Arc<str>),
}

impl Residency {
    /// `base` names groups; these classes are taken. Everybody is of the class `by_default` but those [set](Self::set) otherwise.
    pub fn new(base: Topics, taken: Vec<Topics>, by_default: Class) -> Self {
        Self {
            base,
            taken,
            by_name: HashMap::new(),
            by_default,
        }
    }

    pub fn set(&mut self, tenant: &str, class: Class) {
        if class != self.by_default {
            self.by_name.insert(tenant.as_bytes().into(), class);
        }
    }

    /// The number of a tenant's class among [`Residency::taken`]; `None` is the default tenant.
    ///
    /// # Errors
    /// The class isn't taken here: its name.
    pub fn of(&self, tenant: Option<&[u8]>) -> Result<usize, &Arc<str>> {
        let own = tenant.and_then(|tenant| self.by_name.get(tenant));
        match own.unwrap_or(&self.by_default) {
            Class::Taken(class) => Ok(*class),
            Class::Elsewhere(name) => Err(name),
        }
    }

    /// The topics of each class that is taken.
    pub fn taken(&self) -> &[Topics] {
        &self.taken
    }

    /// The consumer group of a stage that reads for all classes.
    pub fn group(&self, stage: &str) -> String {
        self.base.group(stage)
    }
}

/// One class, which everybody is of.
impl From<Topics> for Residency {
    fn from(topics: Topics) -> Self {
        Self::new(topics.clone(), vec![topics], Class::Taken(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_of_its_class_and_others_are_of_the_defaults() {
        let topics = ["tw", "tw-eu"].map(Topics::new);
        let [base, _] = topics.clone();
        let us = Arc::from("us");
        let mut residency = Residency::new(base, topics.into(), Class::Taken(1));
        residency.set("bank", Class::Elsewhere(Arc::clone(&us)));
        residency.set("shop", Class::Taken(0));
        residency.set("mill", Class::Taken(1));
        assert_eq!(residency.of(Some(b"shop")), Ok(0));
        assert_eq!(residency.of(Some(b"bank")), Err(&us));
        for other in [None, Some(&b"mill"[..]), Some(b"who")] {
            assert_eq!(residency.of(other), Ok(1), "{other:?}");
        }
        // What is as for everybody needs no entry.
        assert_eq!(residency.by_name.len(), 2);
        assert_eq!(residency.group("ingest"), "tw-ingest");
    }
}
