//! What a rule says of a trace.

use crate::policy::on_traces::chance::Chance;

/// The answer of a rule, and by what chance it came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Outcome {
    pub(in crate::policy) answer: Answer,
    /// Of this answer, whichever it is; sure when facts alone gave it.
    pub(in crate::policy) chance: Chance,
    /// The chance that it would hold, the trace's facts being what they are; `None`: none, or nobody knows.
    pub(in crate::policy) chance_to_hold: Option<Chance>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Answer {
    Holds,
    Not,
    /// A condition could not be evaluated, and its `error_mode` is `propagate`: the policy has no say.
    Failed,
}

impl Outcome {
    pub(in crate::policy) const FAILED: Self = Self {
        answer: Answer::Failed,
        chance: Chance::SURE,
        chance_to_hold: None,
    };

    pub(in crate::policy) fn holds(chance: Chance) -> Self {
        Self {
            answer: Answer::Holds,
            chance,
            chance_to_hold: Some(chance),
        }
    }

    pub(in crate::policy) fn not(chance: Chance) -> Self {
        Self {
            answer: Answer::Not,
            chance,
            chance_to_hold: None,
        }
    }

    /// It would have held by this chance.
    pub(in crate::policy) fn missed(chance: Chance) -> Self {
        Self {
            chance_to_hold: Some(chance),
            ..Self::not(Chance::UNKNOWN)
        }
    }

    /// From facts.
    pub(in crate::policy) fn sure(holds: bool) -> Self {
        match holds {
            true => Self::holds(Chance::SURE),
            false => Self::not(Chance::SURE),
        }
    }

    /// From more than the trace: a budget.
    pub(in crate::policy) fn unknown(holds: bool) -> Self {
        match holds {
            true => Self::holds(Chance::UNKNOWN),
            false => Self::not(Chance::UNKNOWN),
        }
    }

    /// The opposite. What a chance leaves over is no R ≥ T, so nothing is known of it but that it isn't sure.
    pub(in crate::policy) fn inverted(self) -> Self {
        let chance = match self.chance {
            Chance::SURE => Chance::SURE,
            _ => Chance::UNKNOWN,
        };
        match self.answer {
            Answer::Holds => Self::not(chance),
            Answer::Not => Self::holds(chance),
            Answer::Failed => self,
        }
    }
}
