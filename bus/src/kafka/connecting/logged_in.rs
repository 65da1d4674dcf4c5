//! A client that is handed what it logs in with as long as it lives.

use std::ops::Deref;

use rdkafka::admin::AdminClient;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext as _};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;

use crate::kafka::connecting::log::Context;
use crate::kafka::login::Registered;

/// Dereferences to the client.
pub(in crate::kafka) struct LoggedIn<T> {
    // Before the client, since it must go first.
    _registered: Registered,
    client: T,
}

impl LoggedIn<BaseConsumer<Context>> {
    pub fn consumer(config: &ClientConfig, context: Context) -> KafkaResult<Self> {
        let client = BaseConsumer::from_config_and_context(config, context)?;
        Ok(Self {
            _registered: client.context().login().register(client.client()),
            client,
        })
    }
}

impl LoggedIn<AdminClient<Context>> {
    pub fn admin(config: &ClientConfig, context: Context) -> KafkaResult<Self> {
        let client = AdminClient::from_config_and_context(config, context)?;
        let inner = client.inner();
        Ok(Self {
            _registered: inner.context().login().register(inner),
            client,
        })
    }
}

impl<T> Deref for LoggedIn<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.client
    }
}
