//! Verdicts that still hold.
