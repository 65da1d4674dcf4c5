//! The table of all kinds, and what is made of it.

use schemas::Signal;

use super::kind::{BackendKind, Opening, Order};
use super::open::OpenBackend;
use crate::records::limits::BatchLimits;

/// Hands the table to another macro. A line is a kind: its key in the configuration, its variant of [`Kind`], and what its section comes to.
macro_rules! with_kinds {
    ($then:ident) => {
        $then! {
            otlp_grpc => OtlpGrpc(crate::backends::otlp_grpc::GrpcConfig),
            otlp_http => OtlpHttp(crate::backends::otlp_http::HttpConfig),
            prometheus_remote_write => PrometheusRemoteWrite(crate::backends::prometheus_remote_write::RemoteWriteConfig),
            opensearch => OpenSearch(crate::backends::opensearch::OpenSearchConfig),
            zipkin => Zipkin(crate::backends::zipkin::ZipkinConfig),
            splunk_hec => SplunkHec(crate::backends::splunk_hec::SplunkConfig),
            kafka => Kafka(crate::backends::kafka::KafkaConfig),
            clickhouse => Clickhouse(crate::backends::clickhouse::ClickhouseConfig),
            object_store => ObjectStore(crate::backends::object_store::ObjectStoreConfig),
            file => File(crate::backends::file::FileConfig),
            stdout => Stdout(crate::backends::stdout::StdoutConfig),
            datadog => Datadog(crate::backends::presets::Expanded<crate::backends::presets::vendors::datadog::RawDatadog>),
            honeycomb => Honeycomb(crate::backends::presets::Expanded<crate::backends::presets::vendors::honeycomb::RawHoneycomb>),
            grafana_cloud => GrafanaCloud(crate::backends::presets::Expanded<crate::backends::presets::vendors::grafana_cloud::RawGrafanaCloud>),
            tempo => Tempo(crate::backends::presets::Expanded<crate::backends::presets::open::tempo::RawTempo>),
            loki => Loki(crate::backends::presets::Expanded<crate::backends::presets::open::loki::RawLoki>),
            mimir => Mimir(crate::backends::presets::Expanded<crate::backends::presets::open::mimir::RawMimir>),
            newrelic => NewRelic(crate::backends::presets::Expanded<crate::backends::presets::vendors::newrelic::RawNewRelic>),
            dynatrace => Dynatrace(crate::backends::presets::Expanded<crate::backends::presets::vendors::dynatrace::RawDynatrace>),
            aws => Aws(crate::backends::presets::Expanded<crate::backends::presets::clouds::aws::RawAws>),
            gcp => Gcp(crate::backends::presets::Expanded<crate::backends::presets::clouds::gcp::RawGcp>),
            azure => Azure(crate::backends::presets::Expanded<crate::backends::presets::clouds::azure::RawAzure>),
            splunk_o11y => SplunkO11y(crate::backends::presets::Expanded<crate::backends::presets::vendors::splunk_o11y::RawSplunkO11y>),
            elastic_cloud => ElasticCloud(crate::backends::presets::Expanded<crate::backends::presets::vendors::elastic_cloud::RawElasticCloud>),
            coralogix => Coralogix(crate::backends::presets::Expanded<crate::backends::presets::vendors::coralogix::RawCoralogix>),
            victoria => Victoria(crate::backends::presets::Expanded<crate::backends::presets::open::victoria::RawVictoria>),
            prometheus_otlp => PrometheusOtlp(crate::backends::presets::Expanded<crate::backends::presets::open::prometheus_otlp::RawPrometheusOtlp>),
            jaeger => Jaeger(crate::backends::presets::Expanded<crate::backends::presets::open::jaeger::RawJaeger>),
            signoz => Signoz(crate::backends::presets::Expanded<crate::backends::presets::open::signoz::RawSignoz>),
            chronosphere => Chronosphere(crate::backends::presets::Expanded<crate::backends::presets::vendors::chronosphere::RawChronosphere>),
        }
    };
}
pub(crate) use with_kinds;

macro_rules! kind {
    ($($key:ident => $variant:ident($kind:ty),)*) => {
        /// The kind of one backend, with its configuration.
        #[allow(clippy::large_enum_variant, reason = "there is one for each backend, made at the start")]
        #[derive(Clone, Debug)]
        pub enum Kind {
            $($variant($kind),)*
        }

        impl Kind {
            /// All kinds, by their keys in the configuration.
            pub const NAMES: &[&str] = &[$(stringify!($key)),*];

            /// Its key in the configuration.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($key),)*
                }
            }

            /// How many requests may be in flight at a time, for each signal.
            pub fn concurrency_max(&self) -> usize {
                match self {
                    $(Self::$variant(_) => <$kind>::CONCURRENCY_MAX,)*
                }
            }

            /// The limits of a batch of this signal, where `batch` doesn't say otherwise.
            pub fn batch_limits(&self, signal: Signal) -> BatchLimits {
                match self {
                    $(Self::$variant(_) => <$kind>::batch_limits(signal),)*
                }
            }

            /// When a batch is full, where its section says so.
            pub fn limits(&self) -> Option<BatchLimits> {
                match self {
                    $(Self::$variant(config) => config.limits(),)*
                }
            }

            /// Whether the batches of a partition must arrive in the order of the log.
            pub fn order(&self, signal: Signal) -> Order {
                match self {
                    $(Self::$variant(_) => <$kind>::order(signal),)*
                }
            }

            /// Whether the backend recognizes a batch that it has already.
            pub fn once(&self) -> bool {
                match self {
                    $(Self::$variant(config) => config.once(),)*
                }
            }

            /// Whether the bus itself is the backend, which gets what is sent in one epoch with positions.
            pub fn transactional(&self) -> bool {
                match self {
                    $(Self::$variant(config) => config.transactional(),)*
                }
            }

            /// Whether each batch has to be of one tenant.
            pub fn by_tenant(&self) -> bool {
                match self {
                    $(Self::$variant(config) => config.by_tenant(),)*
                }
            }

            /// Sets up what sends.
            ///
            /// # Errors
            /// What no retry mends: certificates that can't be read, a file that can't be opened.
            pub fn open(&self, opening: &Opening<'_>) -> anyhow::Result<OpenBackend> {
                Ok(match self {
                    $(Self::$variant(config) => OpenBackend::new(config.open(opening)?),)*
                })
            }
        }
    };
}

with_kinds!(kind);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The names in a folder of the backends: of its folders, or of its files.
    fn names_in(folder: &str, folders: bool) -> Vec<String> {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/backends/");
        let entries = std::fs::read_dir(format!("{here}{folder}")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let paths = paths.filter(|path| path.is_dir() == folders);
        paths
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    /// What a newcomer forgets: a folder of the backends is a kind, and so is a file in a folder of the presets.
    #[test]
    fn each_folder_of_a_kind_and_each_file_of_a_preset_is_in_the_table() {
        let mut found = names_in("", true);
        found.retain(|name| name != "presets");
        for group in names_in("presets", true) {
            let files = names_in(&format!("presets/{group}"), false);
            found.extend(files.into_iter().filter(|name| name != "mod"));
        }
        found.sort_unstable();
        let mut names = Kind::NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(found, names);
    }
}
