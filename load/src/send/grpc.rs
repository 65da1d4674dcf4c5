//! OTLP over gRPC, by tonic's client.

use anyhow::Context;
use bytes::{Buf, BufMut, Bytes};
use schemas::Signal;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::attempt::{Attempt, CONNECT_TIMEOUT, cause, rejected};
use super::options::{Compression, SendOptions};

pub type Client = tonic::client::Grpc<tonic::transport::Channel>;

pub fn connect(options: &SendOptions) -> anyhow::Result<Client> {
    let endpoint = tonic::transport::Endpoint::from_shared(options.endpoint.clone());
    let endpoint = endpoint.with_context(|| {
        format!(
            "{:?} is not an endpoint such as http://127.0.0.1:4317",
            options.endpoint
        )
    })?;
    let mut endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
    if endpoint.uri().scheme_str() == Some("https") {
        endpoint = endpoint.tls_config(options.access.tonic())?;
    }
    // A server may answer in the encoding that it was asked in.
    let client = Client::new(endpoint.connect_lazy())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    Ok(match options.compression {
        Compression::None => client,
        Compression::Gzip => client.send_compressed(CompressionEncoding::Gzip),
        Compression::Zstd => client.send_compressed(CompressionEncoding::Zstd),
    })
}

pub async fn send(
    client: &mut Client,
    signal: Signal,
    body: Bytes,
    options: &SendOptions,
) -> Attempt {
    let path = http::uri::PathAndQuery::from_static(signal.grpc_path());
    if let Err(error) = client.ready().await {
        return Attempt::Unreachable(cause(&error));
    }
    let headers = options.access.headers().clone();
    let request = tonic::Request::from_parts(
        tonic::metadata::MetadataMap::from_headers(headers),
        tonic::Extensions::default(),
        body,
    );
    match client.unary(request, path, Raw).await {
        Ok(response) => Attempt::Accepted(rejected(response.get_ref())),
        // The connection broke, or there is none: only then a status has a cause on this side.
        Err(status) if std::error::Error::source(&status).is_some() => {
            Attempt::Unreachable(cause(&status))
        }
        Err(status)
            if [
                tonic::Code::Unavailable,
                tonic::Code::DeadlineExceeded,
                tonic::Code::Aborted,
            ]
            .contains(&status.code()) =>
        {
            Attempt::Retry(format!("{:?}: {}", status.code(), status.message()))
        }
        Err(status) => Attempt::Failed(format!("{:?}: {}", status.code(), status.message())),
    }
}

/// Bytes as they are: a request was encoded once, for all attempts.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;
    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;
    fn decode(&mut self, input: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        let length = input.remaining();
        Ok(Some(input.copy_to_bytes(length)))
    }
}
