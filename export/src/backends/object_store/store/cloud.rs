//! Objects in a cloud, by the crate `object_store`: it knows how requests are signed and where credentials come from. Nothing is repeated here; when to try again
//! is `delivery`'s.

use std::time::Duration;

use ::object_store::aws::AmazonS3Builder;
use ::object_store::azure::MicrosoftAzureBuilder;
use ::object_store::gcp::GoogleCloudStorageBuilder;
use ::object_store::path::Path;
use ::object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
};
use anyhow::Context;
use bytes::Bytes;

use super::http::Connector;
use crate::backends::object_store::answer;
use crate::backends::object_store::config::ObjectStoreConfig;
use crate::backends::object_store::location::Cloud;
use crate::outcome::Failure;

pub struct CloudStore {
    store: Box<dyn ObjectStore>,
    /// With a slash at its end, or empty.
    prefix: String,
    content_type: &'static str,
}

const ONCE: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::ZERO,
        max_backoff: Duration::ZERO,
        base: 1.0,
    },
    max_retries: 0,
    retry_timeout: Duration::ZERO,
};

impl CloudStore {
    /// # Errors
    /// Keys or certificates that can't be read.
    pub fn open(
        config: &ObjectStoreConfig,
        cloud: Cloud,
        bucket: &str,
        prefix: &str,
    ) -> anyhow::Result<Self> {
        let connector = Connector::new(config, bucket)?;
        let store = match cloud {
            Cloud::S3 => s3(config, bucket, connector),
            Cloud::Google => google(config, bucket, connector),
            Cloud::Azure => azure(config, bucket, connector),
        };
        Ok(Self {
            store: store.context("can't set up the object store")?,
            prefix: match prefix {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            },
            content_type: config.content_type(),
        })
    }

    pub async fn put(&self, path: &str, bytes: &Bytes) -> Result<(), Failure> {
        let path = Path::parse(format!("{}{path}", self.prefix))
            .map_err(|error| Failure::retry(format!("can't name the object: {error}")))?;
        let attributes = [(Attribute::ContentType, self.content_type)];
        let attributes: Attributes = attributes.into_iter().collect();
        let put = self
            .store
            .put_opts(&path, bytes.clone().into(), attributes.into());
        match put.await {
            Ok(_) => Ok(()),
            Err(error) => Err(answer::failure(&error)),
        }
    }
}

type Built = ::object_store::Result<Box<dyn ObjectStore>>;

fn s3(config: &ObjectStoreConfig, bucket: &str, connector: Connector) -> Built {
    let login = &config.login;
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_virtual_hosted_style_request(!config.path_style)
        .with_allow_http(true)
        .with_skip_signature(login.anonymous)
        .with_http_connector(connector)
        .with_retry(ONCE);
    if !config.region.is_empty() {
        builder = builder.with_region(&config.region);
    }
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(match (config.path_style, endpoint.split_once("://")) {
            (false, Some((scheme, host))) => format!("{scheme}://{bucket}.{host}"),
            _ => endpoint.clone(),
        });
    }
    if !login.access_key_id.is_empty() {
        builder = builder
            .with_access_key_id(&login.access_key_id)
            .with_secret_access_key(&login.secret_access_key.0);
    }
    if !login.session_token.0.is_empty() {
        builder = builder.with_token(&login.session_token.0);
    }
    Ok(Box::new(builder.build()?))
}

fn google(config: &ObjectStoreConfig, bucket: &str, connector: Connector) -> Built {
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(bucket)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_http_connector(connector)
        .with_retry(ONCE);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_base_url(endpoint.trim_end_matches('/'));
    }
    if config.login.anonymous {
        // `with_skip_signature` of the crate's 0.14.2 has no effect on a PUT, which asks for credentials all the same.
        builder = builder.with_bearer_token("");
    }
    if !config.login.service_account.0.is_empty() {
        builder = builder.with_service_account_key(&config.login.service_account.0);
    }
    Ok(Box::new(builder.build()?))
}

fn azure(config: &ObjectStoreConfig, container: &str, connector: Connector) -> Built {
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_container_name(container)
        .with_allow_http(true)
        .with_skip_signature(config.login.anonymous)
        .with_http_connector(connector)
        .with_retry(ONCE);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
    }
    if !config.account.is_empty() {
        builder = builder.with_account(&config.account);
    }
    if !config.login.account_key.0.is_empty() {
        builder = builder.with_access_key(&config.login.account_key.0);
    }
    Ok(Box::new(builder.build()?))
}
