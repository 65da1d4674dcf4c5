//! The Instance Metadata Service of a machine in Azure: tokens of its managed identity.

use std::time::SystemTime;

use http::Request;
use http_body_util::Full;

use crate::form;
use crate::http::exchange_nearby;
use crate::oauth::{self, Advice};
use crate::token::Token;
use crate::variables::Variables;

const ADVICE: Advice = Advice {
    refused: "assign a managed identity to the machine; name it by client_id if it has several",
    no_token: "is it Azure's metadata service?",
};

pub fn token(
    scope: &str,
    client_id: Option<&str>,
    variables: &Variables<'_>,
    now: SystemTime,
) -> Result<Token, String> {
    let host = variables("AZURE_POD_IDENTITY_AUTHORITY_HOST")
        .unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let host = host.trim_end_matches('/');
    // It asks for a resource where others ask for a scope.
    let resource = scope.strip_suffix(".default").unwrap_or(scope);
    let mut query = vec![("api-version", "2018-02-01"), ("resource", resource)];
    query.extend(client_id.map(|id| ("client_id", id)));
    let url = format!(
        "{host}/metadata/identity/oauth2/token?{}",
        form::body(&query)
    );
    let request = Request::get(&url).header("metadata", "true");
    request
        .body(Full::default())
        .map_err(|e| e.to_string())
        .and_then(exchange_nearby)
        .and_then(|answer| oauth::token(&answer, now, &ADVICE))
        .map_err(|why| {
            format!(
                "there are no Azure credentials: neither a client with its tenant and a secret or a federated token (AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE), nor a managed identity at {host}: {why}"
            )
        })
}
