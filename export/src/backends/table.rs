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
            clickhouse => Clickhouse(crate::backends::clickhouse::ClickhouseConfig),
            file => File(crate::backends::file::FileConfig),
            stdout => Stdout(crate::backends::stdout::StdoutConfig),
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

            /// The limits of a batch, where `batch` doesn't say otherwise.
            pub fn batch_limits(&self) -> BatchLimits {
                match self {
                    $(Self::$variant(_) => <$kind>::BATCH,)*
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

    /// What a newcomer forgets.
    #[test]
    fn each_folder_of_a_kind_is_in_the_table() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/backends");
        let entries = std::fs::read_dir(here).unwrap().map(Result::unwrap);
        let folders = entries.filter(|entry| entry.path().is_dir());
        let mut folders: Vec<_> = folders
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        folders.sort_unstable();
        let mut names = Kind::NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(folders, names);
    }
}
