//! The section `object_store`.

use std::time;

use runtime::config::{ByteSize, Duration, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::location::Location;
use crate::transport::tls::RawTls;

/// Files in S3, Google Cloud Storage, Azure Blob Storage or a folder. Instead of `batch`, `roll` says when an object is full.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawObjectStore {
    /// The bucket and a prefix: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or `file:///folder`. What writes there needs a prefix of its own.
    pub url: String,
    /// The address of a store that isn't the cloud's own, such as `http://minio:9000`.
    pub endpoint: String,
    /// The region of an S3 bucket. Empty: that of the environment, or `us-east-1`.
    pub region: String,
    /// Name the S3 bucket in the path and not in the host, as most stores other than AWS's want it.
    pub path_style: bool,
    /// The storage account of an Azure container. Empty: that of the environment.
    pub account: String,
    pub login: RawLogin,
    pub format: Format,
    /// The folders, in UTC: `{signal}`, `{date}`, `{hour}`, `{tenant}`. With `{tenant}` there is an object for each tenant of a batch.
    pub layout: String,
    pub by: By,
    pub roll: RawRoll,
    /// The most that waits and is in flight, over all partitions and signals, before compression. The largest object closes first.
    pub memory_limit: ByteSize,
    pub compression: Compression,
    /// Parquet: a column `Raw` with each item as it came, so that nothing of it is lost.
    pub raw: bool,
    pub tls: RawTls,
    /// The time limit of one request.
    pub timeout: Duration,
}

/// Keys, where the environment has none: without any, the environment, workload identity and the metadata service are asked.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawLogin {
    /// S3: the id of an access key.
    pub access_key_id: String,
    /// S3: the access key's secret.
    pub secret_access_key: Secret,
    /// S3: the token of a session.
    pub session_token: Secret,
    /// Google: the JSON of a service account's key.
    pub service_account: Secret,
    /// Azure: a key of the storage account.
    pub account_key: Secret,
    /// Send no signature, to a store that asks for none.
    pub anonymous: bool,
}

/// When an object is full. A record is never cut for it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRoll {
    /// The size of its records before compression, for each partition.
    pub bytes: ByteSize,
    /// How long after its first record it closes at the latest.
    pub interval: Duration,
}

/// The format of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A row for each span, log record or data point.
    #[default]
    Parquet,
    /// OTLP requests in protobuf, each behind its length as a varint.
    OtlpProto,
    /// An OTLP request in JSON on each line.
    OtlpJson,
}

/// Which date and hour an item belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Those at which the first record of its batch came onto the bus.
    #[default]
    Received,
    /// Its own: there is an object for each hour of a batch's items, 48 at most.
    Item,
}

/// How objects are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    None,
    /// Not of Parquet.
    Gzip,
    #[default]
    Zstd,
}

impl Default for RawObjectStore {
    fn default() -> Self {
        Self {
            url: String::new(),
            endpoint: String::new(),
            region: String::new(),
            path_style: false,
            account: String::new(),
            login: RawLogin::default(),
            format: Format::default(),
            layout: "{signal}/date={date}/hour={hour}".to_owned(),
            by: By::default(),
            roll: RawRoll::default(),
            memory_limit: ByteSize::mib(512),
            compression: Compression::default(),
            raw: false,
            tls: RawTls::default(),
            timeout: Duration::from_secs(60),
        }
    }
}

impl Default for RawRoll {
    fn default() -> Self {
        Self {
            bytes: ByteSize::mib(64),
            interval: Duration::from_secs(300),
        }
    }
}

/// Where to, and in which form.
#[derive(Clone, Debug)]
pub struct ObjectStoreConfig {
    pub location: Location,
    pub endpoint: Option<String>,
    pub region: String,
    pub path_style: bool,
    pub account: String,
    pub login: RawLogin,
    pub format: Format,
    pub layout: Layout,
    pub by: By,
    pub roll_bytes: usize,
    pub roll_interval: time::Duration,
    pub memory_limit: usize,
    pub compression: Compression,
    pub raw: bool,
    pub tls: RawTls,
    pub timeout: time::Duration,
}

impl ObjectStoreConfig {
    pub fn content_type(&self) -> &'static str {
        match self.format {
            Format::Parquet => "application/vnd.apache.parquet",
            Format::OtlpProto => "application/x-protobuf",
            Format::OtlpJson => "application/x-ndjson",
        }
    }

    /// What the names of objects end with.
    pub fn extension(&self) -> String {
        let form = match self.format {
            Format::Parquet => return ".parquet".to_owned(),
            Format::OtlpProto => ".otlp",
            Format::OtlpJson => ".jsonl",
        };
        let compression = match self.compression {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
        };
        format!("{form}{compression}")
    }
}
