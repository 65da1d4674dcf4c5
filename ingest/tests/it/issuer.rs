//! An OpenID Connect issuer in the process: discovery, keys, and the tokens that it signs.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Pair;

pub const AUDIENCE: &str = "tailwater";

/// A running issuer; its keys are named `ec` and `rsa`.
pub struct Issuer {
    pub url: String,
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
    state: Arc<Mutex<State>>,
}

struct State {
    /// What is answered at each path; nothing: 503.
    answers: Option<Answers>,
    /// How often the keys were asked for.
    fetches: u32,
}

#[derive(Clone)]
struct Answers {
    discovery: Value,
    keys: Value,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs() as i64
}

impl Issuer {
    pub async fn start() -> Self {
        let issuer = Self::away().await;
        issuer.come();
        issuer
    }

    /// One that answers 503.
    pub async fn away() -> Self {
        Self::behind(None).await
    }

    /// One behind TLS, with this certificate for localhost.
    pub async fn start_tls(pair: &Pair) -> Self {
        let issuer = Self::behind(Some(pair.server())).await;
        issuer.come();
        issuer
    }

    async fn behind(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = match tls {
            Some(_) => format!("https://localhost:{}", address.port()),
            None => format!("http://{address}"),
        };
        let rng = SystemRandom::new();
        let state = Arc::new(Mutex::new(State {
            answers: None,
            fetches: 0,
        }));
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        let issuer = Self {
            url,
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &rng)
                .unwrap(),
            rsa: RsaKeyPair::from_pkcs8(include_bytes!("../data/rsa.pk8")).unwrap(),
            state: state.clone(),
        };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = state.clone();
                let service = service_fn(move |request| {
                    let answer = answer(&state, &request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let http = hyper::server::conn::http1::Builder::new();
                let Some(tls) = tls.clone() else {
                    tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
                    continue;
                };
                tokio::spawn(async move {
                    // Who doesn't trust us goes away.
                    if let Ok(stream) = tls.accept(stream).await {
                        let _ = http.serve_connection(TokioIo::new(stream), service).await;
                    }
                });
            }
        });
        issuer
    }

    /// From now on there are answers.
    pub fn come(&self) {
        self.publish(&["ec", "rsa"]);
    }

    /// From now on there are these keys.
    pub fn publish(&self, kids: &[&str]) {
        let keys: Vec<_> = kids.iter().map(|kid| self.key(kid)).collect();
        let discovery = json!({"issuer": self.url, "jwks_uri": format!("{}/keys", self.url)});
        self.state.lock().unwrap().answers = Some(Answers {
            discovery,
            keys: json!({ "keys": keys }),
        });
    }

    pub fn go(&self) {
        self.state.lock().unwrap().answers = None;
    }

    pub fn fetches(&self) -> u32 {
        self.state.lock().unwrap().fetches
    }

    /// A key under a name: an RSA one if that begins so, else one of an elliptic curve.
    fn key(&self, kid: &str) -> Value {
        if kid.starts_with("rsa") {
            let public = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
            return json!({"kty": "RSA", "use": "sig", "kid": kid, "n": b64(public.n), "e": b64(public.e)});
        }
        let point = self.ec.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "x": b64(&point[1..33]), "y": b64(&point[33..])})
    }

    /// Claims that hold: for us, of the tenant `shop`, for five minutes.
    pub fn claims(&self) -> Value {
        json!({"iss": self.url, "aud": AUDIENCE, "exp": now() + 300, "tenant": "shop", "sub": "a test"})
    }

    /// A token with these claims, as `Bearer …`.
    pub fn token(&self, claims: &Value) -> String {
        self.signed("ES256", "ec", claims)
    }

    /// Changes one claim of those that hold; `null` takes it away.
    pub fn with(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims();
        match value {
            Value::Null => {
                claims.as_object_mut().unwrap().remove(claim);
            }
            value => claims[claim] = value,
        }
        self.token(&claims)
    }

    /// Signed as the name of the algorithm says; what has another name is signed by RSA's.
    pub fn signed(&self, algorithm: &str, kid: &str, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": algorithm, "kid": kid});
        let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let rng = SystemRandom::new();
        let signature = match algorithm {
            "none" => Vec::new(),
            "HS256" => {
                // The classical confusion: the public key as the secret of an HMAC.
                let public = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public.n);
                ring::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            "ES256" => self
                .ec
                .sign(&rng, message.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
            _ => {
                let padding: &dyn signature::RsaEncoding = &RSA_PKCS1_SHA256;
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa
                    .sign(padding, &rng, message.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
        };
        format!("Bearer {message}.{}", b64(signature))
    }
}

fn answer(state: &Mutex<State>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let mut state = state.lock().unwrap();
    let answers = state.answers.clone();
    let found = answers.and_then(|answers| match request.uri().path() {
        "/.well-known/openid-configuration" => Some(answers.discovery),
        "/keys" => {
            state.fetches += 1;
            Some(answers.keys)
        }
        _ => None,
    });
    let mut response = Response::new(Full::from(found.clone().unwrap_or_default().to_string()));
    if found.is_none() {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}
