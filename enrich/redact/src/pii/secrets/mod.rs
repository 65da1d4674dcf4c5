//! Secrets in text: tokens that are found by a literal they begin with, and values that are named as secrets by the
//! word before them.
//!
//! A literal is looked for with its case. Where it stands, the parser of its detector says whether a secret is there,
//! and which bytes are it. Parsers allocate nothing, never panic, and take time linear in what they return, or in a
//! small bound if that is nothing; so a text takes linear time, if the search goes on behind what was found.

mod assigned;
mod authorization;
mod aws;
mod base64;
mod entropy;
mod github;
mod jwt;
mod pem;
mod placeholder;
#[cfg(test)]
mod tests;
mod token;
mod url;
mod vendors;

use std::ops::Range;

pub(crate) use assigned::name::{Named, named};
pub(crate) use assigned::{assigned, assigned_by_key};
pub(crate) use aws::aws_secret;
pub(crate) use placeholder::is_placeholder;
pub(crate) use url::password as url_password;

/// A secret that is found by a literal.
pub(crate) struct Anchored {
    /// Name of the detector, snake_case: `github_token`, `aws_access_key`, …
    pub(crate) detector: &'static str,
    /// Where this stands, the parser is asked.
    pub(crate) literal: &'static str,
    /// The bytes of the secret, given where the literal begins; they begin there or behind it.
    pub(crate) find: fn(text: &[u8], at: usize) -> Option<Range<usize>>,
}

const fn anchored(
    detector: &'static str,
    literal: &'static str,
    find: fn(&[u8], usize) -> Option<Range<usize>>,
) -> Anchored {
    Anchored {
        detector,
        literal,
        find,
    }
}

/// No literal holds another, so that at most one stands at a place.
pub(crate) const ANCHORED: &[Anchored] = &[
    anchored("aws_access_key", "AKIA", aws::access_key),
    anchored("aws_access_key", "ASIA", aws::access_key),
    anchored("aws_access_key", "ABIA", aws::access_key),
    anchored("aws_access_key", "ACCA", aws::access_key),
    anchored("github_token", "ghp_", github::token),
    anchored("github_token", "gho_", github::token),
    anchored("github_token", "ghu_", github::token),
    anchored("github_token", "ghs_", github::token),
    anchored("github_token", "ghr_", github::token),
    anchored("github_token", "github_pat_", github::fine_grained),
    anchored("gitlab_token", "glpat-", vendors::gitlab),
    anchored("slack_token", "xox", vendors::slack),
    anchored("slack_token", "xapp-", vendors::slack_app),
    anchored("slack_webhook", "hooks.slack.com/", vendors::slack_webhook),
    anchored("stripe_key", "sk_live_", vendors::stripe),
    anchored("stripe_key", "rk_live_", vendors::stripe),
    anchored("stripe_key", "sk_test_", vendors::stripe),
    anchored("stripe_key", "rk_test_", vendors::stripe),
    anchored("stripe_key", "sk_prod_", vendors::stripe),
    anchored("stripe_key", "rk_prod_", vendors::stripe),
    anchored("google_api_key", "AIza", vendors::google_api_key),
    anchored("google_oauth_token", "ya29.", vendors::google_oauth),
    anchored("openai_key", "sk-proj-", vendors::openai),
    anchored("openai_key", "sk-svcacct-", vendors::openai),
    anchored("openai_key", "sk-admin-", vendors::openai),
    anchored("anthropic_key", "sk-ant-", vendors::anthropic),
    anchored("huggingface_token", "hf_", vendors::hugging_face),
    anchored("npm_token", "npm_", vendors::npm),
    anchored("pypi_token", "pypi-AgE", vendors::pypi),
    anchored("sendgrid_key", "SG.", vendors::sendgrid),
    anchored("shopify_token", "shpat_", vendors::shopify),
    anchored("shopify_token", "shpca_", vendors::shopify),
    anchored("shopify_token", "shppa_", vendors::shopify),
    anchored("shopify_token", "shpss_", vendors::shopify),
    anchored("vault_token", "hvs.", vendors::vault_service),
    anchored("vault_token", "hvb.", vendors::vault_batch),
    anchored("grafana_token", "glsa_", vendors::grafana_service_account),
    anchored("grafana_token", "glc_", vendors::grafana_cloud),
    anchored("digitalocean_token", "dop_v1_", vendors::digital_ocean),
    anchored("digitalocean_token", "doo_v1_", vendors::digital_ocean),
    anchored("digitalocean_token", "dor_v1_", vendors::digital_ocean),
    anchored("jwt", "eyJ", jwt::token),
    anchored("private_key", "-----BEGIN ", pem::private_key),
    anchored("url_password", "://", url::password),
    anchored("url_password", r":\/\/", url::password_escaped),
    anchored("bearer_token", "Bearer ", authorization::bearer),
    anchored("bearer_token", "bearer ", authorization::bearer),
    anchored("basic_auth", "Basic ", authorization::basic),
    anchored("basic_auth", "basic ", authorization::basic),
];
