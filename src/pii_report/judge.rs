//! The detectors of a report: those of the wanted packs, and the user's own.

use std::collections::BTreeMap;

use anyhow::anyhow;
use enrich::RawPii;
use redact::pii::{Action, AskedPii, Pack, Pii, detectors};

/// Finds, and knows what becomes of findings as it is configured now.
pub struct Judge {
    pii: Pii,
    /// What the configuration does with what a detector finds; it isn't there where nothing is.
    now: BTreeMap<String, &'static str>,
    has_section: bool,
}

impl Judge {
    /// Own detectors, `skip_keys` and `exclude` are as they are configured; actions play no part, and detectors that are switched off find all the same.
    ///
    /// # Errors
    /// The detectors can't be compiled.
    pub fn new(raw: &RawPii, config: &enrich::Config, packs: &[Pack]) -> anyhow::Result<Self> {
        let configured = raw.asked();
        let has_section = configured.is_some();
        let mut asked = AskedPii {
            packs: packs.to_vec(),
            report: true,
            default_action: Action::Report,
            allow_keys: Vec::new(),
            keys: Vec::new(),
            ..configured.unwrap_or_default()
        };
        let of_packs = |name: &str| {
            let mut known = detectors().filter(|(known, _)| *known == name);
            known
                .next()
                .is_none_or(|(_, of)| of.iter().any(|pack| packs.contains(pack)))
        };
        asked.detectors.retain(|detector| of_packs(&detector.name));
        for detector in &mut asked.detectors {
            detector.action = None;
            detector.shadow = false;
            detector.off = false;
        }
        let pii = Pii::compile(&asked).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(|it| it.message.clone()).collect();
            anyhow!("the detectors can't be used: {}", problems.join("; "))
        })?;
        let counters = config.rules.pii().map_or(&[][..], |pii| pii.counters());
        let now = counters.iter().map(|counter| {
            let action = if counter.mode == "act" {
                counter.action
            } else {
                "report"
            };
            (counter.detector.clone(), action)
        });
        Ok(Self {
            pii,
            now: now.collect(),
            has_section,
        })
    }

    pub fn pii(&self) -> &Pii {
        &self.pii
    }

    /// Whether anything is looked for as it is configured.
    pub fn has_section(&self) -> bool {
        self.has_section
    }

    /// What becomes of a detector's findings now; `None`: it is off.
    pub fn now(&self, detector: &str) -> Option<&'static str> {
        self.now.get(detector).copied()
    }
}
