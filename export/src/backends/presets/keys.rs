//! The keys that presets have beside their own.
//!
//! Macros, since serde refuses unknown keys only in a type that has all known ones as fields: a flattened part would let misspelt keys
//! through.

/// Makes the section of a preset over `otlp_http`. Each key of its own is written with its default.
macro_rules! over_http {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$what:meta])* pub $key:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$what])* pub $key: $type,)*
            /// The base address in place of the preset's own: for a proxy, a private link, or a product that you run yourself.
            pub endpoint: Option<String>,
            /// The complete address for traces, used as it is.
            pub traces_endpoint: Option<String>,
            /// The complete address for logs, used as it is.
            pub logs_endpoint: Option<String>,
            /// The complete address for metrics, used as it is.
            pub metrics_endpoint: Option<String>,
            /// Further headers of each request. They win over those of the preset. `{tenant}` in a value is replaced by the tenant's name.
            pub headers: std::collections::BTreeMap<String, String>,
            /// Credentials that are fetched and kept fresh, in place of those of the preset.
            pub auth: Option<credentials::RawAuth>,
            /// The compression of requests. Absent: what suits the product.
            pub compression: Option<crate::transport::compress::Compression>,
            pub tls: crate::transport::tls::RawTls,
            /// The time limit of one request.
            pub timeout: runtime::config::Duration,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($key: $default,)*
                    endpoint: None,
                    traces_endpoint: None,
                    logs_endpoint: None,
                    metrics_endpoint: None,
                    headers: std::collections::BTreeMap::new(),
                    auth: None,
                    compression: None,
                    tls: crate::transport::tls::RawTls::default(),
                    timeout: runtime::config::Duration::from_secs(30),
                }
            }
        }

        impl $name {
            /// What the preset says, with what is written in its place.
            fn over(
                &self,
                own: crate::backends::otlp_http::RawHttp,
            ) -> crate::backends::otlp_http::RawHttp {
                crate::backends::otlp_http::RawHttp {
                    endpoint: own.endpoint,
                    traces_endpoint: self.traces_endpoint.clone().or(own.traces_endpoint),
                    logs_endpoint: self.logs_endpoint.clone().or(own.logs_endpoint),
                    metrics_endpoint: self.metrics_endpoint.clone().or(own.metrics_endpoint),
                    encoding: own.encoding,
                    headers: crate::backends::presets::merge::headers(own.headers, &self.headers),
                    auth: self.auth.clone().or(own.auth),
                    compression: self.compression.unwrap_or(own.compression),
                    tls: self.tls.clone(),
                    timeout: self.timeout,
                }
            }
        }
    };
}

/// Makes the section of a preset over `otlp_grpc`. Each key of its own is written with its default.
macro_rules! over_grpc {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$what:meta])* pub $key:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$what])* pub $key: $type,)*
            /// The address in place of the preset's own: for a proxy, a private link, or a product that you run yourself.
            pub endpoint: Option<String>,
            /// Further headers of each request. They win over those of the preset. `{tenant}` in a value is replaced by the tenant's name.
            pub headers: std::collections::BTreeMap<String, String>,
            /// Credentials that are fetched and kept fresh, in place of those of the preset.
            pub auth: Option<credentials::RawAuth>,
            /// The compression of requests. Absent: what suits the product.
            pub compression: Option<crate::transport::compress::Compression>,
            pub tls: crate::transport::tls::RawTls,
            /// The time limit of one request.
            pub timeout: runtime::config::Duration,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($key: $default,)*
                    endpoint: None,
                    headers: std::collections::BTreeMap::new(),
                    auth: None,
                    compression: None,
                    tls: crate::transport::tls::RawTls::default(),
                    timeout: runtime::config::Duration::from_secs(30),
                }
            }
        }

        impl $name {
            /// What the preset says, with what is written in its place.
            fn over(
                &self,
                own: crate::backends::otlp_grpc::RawGrpc,
            ) -> crate::backends::otlp_grpc::RawGrpc {
                crate::backends::otlp_grpc::RawGrpc {
                    endpoint: own.endpoint,
                    headers: crate::backends::presets::merge::headers(own.headers, &self.headers),
                    auth: self.auth.clone().or(own.auth),
                    compression: self.compression.unwrap_or(own.compression),
                    tls: self.tls.clone(),
                    timeout: self.timeout,
                }
            }
        }
    };
}
