//! Elastic Cloud's Managed OTLP Endpoint.
//!
//! Source, read on 2026-11-30: Elastic documentation, "Elastic Cloud Managed OTLP Endpoint (mOTLP)": the address is the project's own, `ApiKey` in
//! `Authorization`, 429 above the rate limit (15 MiB/s, 30 MiB/s for bursts, at the time of that page). An earlier version of the page
//! says that histograms of cumulative temporality are dropped. Limits of a request weren't confirmed.

use runtime::config::Secret;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

over_http! {
    /// Elastic Cloud, by its Managed OTLP Endpoint. `endpoint` is the address that the project shows.
    pub struct RawElasticCloud {
        /// An API key, without `ApiKey` before it.
        pub api_key: Secret = Secret::default(),
    }
}

impl Preset for RawElasticCloud {
    type Over = HttpConfig;

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let example = "https://my-project.ingest.eu-west-1.aws.elastic.cloud:443";
        let mut own = RawHttp {
            endpoint: asked.address(self.endpoint.as_ref(), "", example),
            ..RawHttp::default()
        };
        let key = ("api_key", &self.api_key);
        asked.credential(
            &mut own.headers,
            &self.headers,
            "authorization",
            "ApiKey ",
            key,
        );
        self.over(own)
    }
}
