//! The bus on one machine: partitions as keyed sequences in fjall.
