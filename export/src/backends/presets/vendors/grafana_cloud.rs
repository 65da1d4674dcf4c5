//! Grafana Cloud's OTLP gateway.
//!
//! Source, read on 2026-11-30: Grafana documentation, "Configure Grafana Cloud OTLP endpoint" and "Two Instance IDs": the address of the
//! gateway ends in `/otlp`, and Basic authentication takes the instance's id and an access policy token. Limits of a request weren't
//! confirmed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runtime::config::Secret;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

over_http! {
    /// Grafana Cloud, by its OTLP gateway.
    pub struct RawGrafanaCloud {
        /// The zone of your stack, such as `prod-eu-west-2`: what stands between `otlp-gateway-` and `.grafana.net`.
        pub zone: String = String::new(),
        /// The instance's id on the page "OpenTelemetry" of your stack.
        pub instance_id: String = String::new(),
        /// An access policy token.
        pub token: Secret = Secret::default(),
    }
}

impl Preset for RawGrafanaCloud {
    type Over = HttpConfig;

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let mut own = RawHttp {
            endpoint: asked.base(self.endpoint.as_ref(), "/otlp", |asked| {
                let zone = asked.host("zone", &self.zone, "prod-eu-west-2");
                format!("https://otlp-gateway-{zone}.grafana.net")
            }),
            ..RawHttp::default()
        };
        let basic = match self.token.0.is_empty() {
            true => Secret::default(),
            false => Secret(STANDARD.encode(format!("{}:{}", self.instance_id, self.token.0))),
        };
        if self.instance_id.is_empty() && !self.token.0.is_empty() {
            asked.problem(
                "instance_id",
                "is needed beside the token: it is the user of Basic authentication",
            );
        }
        let key = ("token", &basic);
        asked.credential(
            &mut own.headers,
            &self.headers,
            "authorization",
            "Basic ",
            key,
        );
        self.over(own)
    }
}
