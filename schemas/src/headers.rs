//! Record headers: their names, and the version that every record carries.

/// `tailwater.version`: the layout of the record's value; readers refuse versions above [`VERSION`].
pub const VERSION_NAME: &str = "tailwater.version";
/// The version that this build writes.
pub const VERSION: &str = "1";
/// `tailwater.tenant`: whose data this is; absent for the default tenant.
pub const TENANT: &str = "tailwater.tenant";

/// `tailwater.key`: what the record is about, on topics of which only the newest record of each key is kept. Kafka's key of the record says the same.
pub const KEY: &str = "tailwater.key";

/// What the names of all headers begin with that only dead letters have.
pub const DEAD_PREFIX: &str = "tailwater.dead.";
/// On dead letters: where the record came from and why it is here.
pub const DEAD_TOPIC: &str = "tailwater.dead.topic";
pub const DEAD_PARTITION: &str = "tailwater.dead.partition";
pub const DEAD_OFFSET: &str = "tailwater.dead.offset";
pub const DEAD_REASON: &str = "tailwater.dead.reason";
/// Where the letter is a part of the record: which of its spans, log records or data points, counted from 0, as `3..4,7..9`.
pub const DEAD_UNITS: &str = "tailwater.dead.units";
/// On a mark among the dead letters, which is none itself: the offsets of the same partition that are done with, as `17,18`, and whether they
/// were `delivered` or `purged`.
pub const DEAD_SETTLED: &str = "tailwater.dead.settled";
pub const DEAD_FATE: &str = "tailwater.dead.fate";
/// The stage, or `export/<backend>`, that gave the record up.
pub const DEAD_STAGE: &str = "tailwater.dead.stage";
