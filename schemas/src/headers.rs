//! Record headers: their names, and the version that every record carries.

/// `tailwater.version`: the layout of the record's value; readers refuse versions above [`VERSION`].
pub const VERSION_NAME: &str = "tailwater.version";
/// The version that this build writes.
pub const VERSION: &str = "1";
/// `tailwater.tenant`: whose data this is; absent for the default tenant.
pub const TENANT: &str = "tailwater.tenant";

/// `tailwater.key`: what the record is about, on topics of which only the newest record of each key is kept. Kafka's key of the record says the same.
pub const KEY: &str = "tailwater.key";

/// On dead letters: where the record came from and why it is here.
pub const DEAD_TOPIC: &str = "tailwater.dead.topic";
pub const DEAD_PARTITION: &str = "tailwater.dead.partition";
pub const DEAD_OFFSET: &str = "tailwater.dead.offset";
pub const DEAD_REASON: &str = "tailwater.dead.reason";
/// The stage, or `export/<backend>`, that gave the record up.
pub const DEAD_STAGE: &str = "tailwater.dead.stage";
