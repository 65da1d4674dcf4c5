//! The metadata server of a machine, a container or a function in Google Cloud (GKE's workload identity included).

use std::time::SystemTime;

use http::Request;
use http_body_util::Full;

use crate::form;
use crate::http::exchange_nearby;
use crate::oauth::{self, Advice};
use crate::token::Token;
use crate::variables::Variables;

const FLAVOR: &str = "metadata-flavor";
const ADVICE: Advice = Advice {
    refused: "attach a service account to the machine, with the scope cloud-platform",
    no_token: "is it Google's metadata server?",
};

pub fn token(scope: &str, variables: &Variables<'_>, now: SystemTime) -> Result<Token, String> {
    let host =
        variables("GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".to_owned());
    let scopes = form::encoded(&scope.split_whitespace().collect::<Vec<_>>().join(","));
    let url = format!(
        "http://{host}/computeMetadata/v1/instance/service-accounts/default/token?scopes={scopes}"
    );
    let attempted = || {
        format!(
            "there are no Google credentials in GOOGLE_APPLICATION_CREDENTIALS or by gcloud, nor from the metadata server {host}"
        )
    };
    let request = Request::get(&url).header(FLAVOR, "Google");
    request
        .body(Full::default())
        .map_err(|e| e.to_string())
        .and_then(exchange_nearby)
        .and_then(|answer| {
            // Whoever else answers there is not to be believed.
            match answer
                .headers
                .get(FLAVOR)
                .is_some_and(|value| value == "Google")
            {
                true => oauth::token(&answer, now, &ADVICE),
                false => Err("its answer isn't of a metadata server".to_owned()),
            }
        })
        .map_err(|why| format!("{}: {why}", attempted()))
}
