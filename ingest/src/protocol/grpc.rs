//! OTLP over gRPC: three unary methods whose messages stay bytes.
//!
//! The five bytes of framing are read here rather than by `tonic::server::Grpc`, for three reasons: the message's length is admitted
//! before its body is read; memory is also admitted while a body inflates; and a message that is too large is answered with
//! RESOURCE_EXHAUSTED, where tonic says OUT_OF_RANGE, which OTLP clients retry for ever. Status and codes are tonic's.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use schemas::Signal;
use tonic::Status;

use super::answer::{self, Encoding};
use super::body::{admit, chunk, read_rest};
use super::framing::{framed, prefix};
use super::health::Method;
use super::inflate::{Compression, inflate};
use super::receive::{Caller, Receiver, Request};
use super::reply::Reply;
use crate::admission::Permit;
use crate::records::Partial;
use crate::refusal::Refusal;

/// Of a question about health, which names a service.
const HEALTH_BYTES_MAX: usize = 4 << 10;

/// Answers one call.
pub async fn serve(
    receiver: &Receiver,
    caller: &Caller,
    request: http::Request<Incoming>,
) -> Response<Reply> {
    if !is_grpc(request.headers()) {
        return not_grpc();
    }
    if let Some(method) = Method::parse(request.uri().path()) {
        return match health(receiver, method, request).await {
            Ok(response) => response,
            Err(refusal) => failure(receiver, &refusal),
        };
    }
    let result = call(receiver, caller, request).await;
    receiver.answered("grpc", &result);
    match result {
        Ok(partial) => success(&answer::export_response(
            Encoding::Protobuf,
            Signal::Traces,
            &partial,
        )),
        Err(refusal) => failure(receiver, &refusal),
    }
}

async fn call(
    receiver: &Receiver,
    caller: &Caller,
    request: http::Request<Incoming>,
) -> Result<Partial, Refusal> {
    let (head, body) = request.into_parts();
    if head.method != http::Method::POST {
        return Err(Refusal::Method(head.method.to_string()));
    }
    let signal =
        signal(head.uri.path()).ok_or_else(|| Refusal::Service(head.uri.path().to_owned()))?;
    let sender = receiver.sender(signal, &head.headers, caller).await?;
    let message = message(receiver, &head.headers, body, receiver.request_bytes_max).await?;
    receiver
        .receive(Request {
            signal,
            body: message.body,
            compression: message.compression,
            encoding: Encoding::Protobuf,
            sender,
            permit: message.permit,
        })
        .await
}

/// Not counted as a request: it brings nothing.
async fn health(
    receiver: &Receiver,
    method: Method,
    request: http::Request<Incoming>,
) -> Result<Response<Reply>, Refusal> {
    let (head, body) = request.into_parts();
    if head.method != http::Method::POST {
        return Err(Refusal::Method(head.method.to_string()));
    }
    let Message {
        body,
        compression,
        mut permit,
    } = message(receiver, &head.headers, body, HEALTH_BYTES_MAX).await?;
    let question = inflate(compression, body, HEALTH_BYTES_MAX, &mut permit).await?;
    Ok(match method {
        Method::Check => match receiver.health.check(&question)? {
            Some(response) => success(&response),
            None => respond(Status::not_found("this service is not here").into_http()),
        },
        Method::List => success(&receiver.health.list()),
        Method::Watch => {
            let responses = receiver.health.watch(&question)?;
            let mut trailers = HeaderMap::with_capacity(1);
            // UNAVAILABLE: who watches should ask again, elsewhere.
            trailers.insert("grpc-status", HeaderValue::from_static("14"));
            respond(Response::new(
                Reply::stream(responses).with_trailers(trailers),
            ))
        }
    })
}

/// A call's one message as it was sent.
struct Message {
    body: Bytes,
    compression: Compression,
    permit: Permit,
}

async fn message(
    receiver: &Receiver,
    headers: &HeaderMap,
    mut body: Incoming,
    bytes_max: usize,
) -> Result<Message, Refusal> {
    let compression = compression(headers)?;
    let mut permit = receiver.budget.permit();
    let read = async {
        let (compressed, length, first) = prefix(&mut body).await?;
        admit(length, bytes_max, &mut permit)?;
        let message = read_rest(&mut body, first, Some(length), bytes_max, &mut permit).await?;
        while let Some(more) = chunk(&mut body).await? {
            if !more.is_empty() {
                return Err(Refusal::Framing("more than one message came".into()));
            }
        }
        Ok((compressed, message))
    };
    let (compressed, body) = match tokio::time::timeout(receiver.read_timeout, read).await {
        Ok(read) => read?,
        Err(_) => return Err(Refusal::Slow),
    };
    let compression = match (compressed, compression) {
        (false, _) => Compression::Identity,
        (true, Compression::Identity) => {
            return Err(Refusal::Framing(
                "a message is flagged as compressed without grpc-encoding".into(),
            ));
        }
        (true, compression) => compression,
    };
    Ok(Message {
        body,
        compression,
        permit,
    })
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or(&[][..], HeaderValue::as_bytes);
    match content_type.strip_prefix(b"application/grpc") {
        Some(rest) => {
            matches!(rest, b"" | b"+proto")
                || rest.starts_with(b";")
                || rest.starts_with(b"+proto;")
        }
        None => false,
    }
}

fn signal(path: &str) -> Option<Signal> {
    match path.strip_prefix("/opentelemetry.proto.collector.")? {
        "trace.v1.TraceService/Export" => Some(Signal::Traces),
        "logs.v1.LogsService/Export" => Some(Signal::Logs),
        "metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        _ => None,
    }
}

fn compression(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let Some(name) = headers.get("grpc-encoding") else {
        return Ok(Compression::Identity);
    };
    let name = String::from_utf8_lossy(name.as_bytes());
    Compression::parse(&name).ok_or_else(|| Refusal::Encoding(name.into_owned()))
}

fn success(message: &[u8]) -> Response<Reply> {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    respond(Response::new(
        Reply::new(framed(message)).with_trailers(trailers),
    ))
}

/// Headers alone: no message, the status at once.
fn failure(receiver: &Receiver, refusal: &Refusal) -> Response<Reply> {
    let message = refusal.to_string();
    let code = refusal.code();
    let details = match refusal.detail(receiver.retry_after) {
        Some(detail) => answer::status(Encoding::Protobuf, code as i32, &message, Some(detail)),
        None => Vec::new(),
    };
    respond(Status::with_details(code, message, details.into()).into_http())
}

fn respond(mut response: Response<Reply>) -> Response<Reply> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(
        "grpc-accept-encoding",
        HeaderValue::from_static("identity,gzip,deflate,zstd"),
    );
    response
}

/// What gRPC asks for when a caller doesn't speak it.
fn not_grpc() -> Response<Reply> {
    let text = "this port takes OTLP over gRPC; OTLP over HTTP has its own, by default 4318\n";
    let mut response = Response::new(Reply::new(text));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}
