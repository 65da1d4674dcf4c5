//! JSON web tokens that we sign, with RSA and SHA-256 (RFC 7515, RFC 7518 section 3.3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

/// `key` is a private key of RSA in PKCS #8, as a text in PEM; `id` says which one it is.
///
/// # Errors
/// The key can't be used, and why; nothing of it.
pub fn signed(claims: &Value, key: &str, id: Option<&str>) -> Result<String, String> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).map_err(|_| {
        "the private key is none in PKCS #8 and PEM (`BEGIN PRIVATE KEY`)".to_owned()
    })?;
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())
        .map_err(|e| format!("the private key is no RSA key that can be used: {e}"))?;
    let mut header = json!({"alg": "RS256", "typ": "JWT"});
    if let Some(id) = id {
        header["kid"] = id.into();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&header), part(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    let random = SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
        .map_err(|_| "the private key can't sign".to_owned())?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
