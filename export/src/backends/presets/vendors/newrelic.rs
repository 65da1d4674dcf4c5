//! New Relic.
//!
//! Source, read on 2026-11-30: New Relic documentation, "New Relic OTLP endpoint": addresses, `api-key`, HTTP with protobuf recommended over
//! gRPC, zstd recommended, payloads below 1 MB (10^6 bytes), names of attributes up to 255 characters and values up to 4095, delta
//! recommended, 64 entries in an array.

use runtime::config::Secret;
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;
use crate::records::limits::{BatchLimits, ItemLimits};
use crate::transport::compress::Compression;

/// Where an account is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NewRelicRegion {
    #[default]
    Us,
    Eu,
    /// FedRAMP.
    Gov,
}

over_http! {
    /// New Relic.
    pub struct RawNewRelic {
        pub region: NewRelicRegion = NewRelicRegion::default(),
        /// The license key of the account.
        pub api_key: Secret = Secret::default(),
    }
}

impl Preset for RawNewRelic {
    type Over = HttpConfig;

    /// The limit is 10^6 bytes, and is taken as one before compression.
    fn batch_limits(_: Signal) -> BatchLimits {
        BatchLimits {
            bytes: 900_000,
            ..BatchLimits::USUAL
        }
    }

    /// Values of up to 4,095 characters; cut by bytes, which are as many or more.
    fn item_limits(_: Signal) -> ItemLimits {
        ItemLimits {
            attribute_bytes: Some(4095),
            clip: true,
            ..ItemLimits::NONE
        }
    }

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let host = match self.region {
            NewRelicRegion::Us => "otlp.nr-data.net",
            NewRelicRegion::Eu => "otlp.eu01.nr-data.net",
            NewRelicRegion::Gov => "gov-otlp.nr-data.net",
        };
        let mut own = RawHttp {
            endpoint: asked.base(self.endpoint.as_ref(), "", |_| format!("https://{host}")),
            compression: Compression::Zstd,
            ..RawHttp::default()
        };
        let key = ("api_key", &self.api_key);
        asked.credential(&mut own.headers, &self.headers, "api-key", "", key);
        self.over(own)
    }
}
