//! Signatures of tokens, verified by ring, which TLS uses too. jsonwebtoken reads tokens and their claims, and leaves the arithmetic to who is installed.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{
    self as verified, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};

/// Asymmetric ones alone: whoever can check an HMAC can make it, and `none` is none.
pub const ALLOWED: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// For the whole process; more than once does no harm.
pub fn install() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        verifier_factory: |algorithm, key| {
            let verifier = OneKey {
                algorithm: *algorithm,
                key: key.clone(),
            };
            match verifier.fits() {
                true => Ok(Box::new(verifier)),
                false => Err(ErrorKind::InvalidAlgorithm.into()),
            }
        },
        key_utils: KeyUtils::new_unimplemented(),
    };
    let _ = PROVIDER.install_default();
}

struct OneKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl OneKey {
    /// A key is for the algorithms of its family alone.
    fn fits(&self) -> bool {
        ALLOWED.contains(&self.algorithm) && self.algorithm.family() == self.key.family()
    }

    fn rsa(&self) -> Option<&'static RsaParameters> {
        Some(match self.algorithm {
            Algorithm::RS256 => &verified::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::RS384 => &verified::RSA_PKCS1_2048_8192_SHA384,
            Algorithm::RS512 => &verified::RSA_PKCS1_2048_8192_SHA512,
            Algorithm::PS256 => &verified::RSA_PSS_2048_8192_SHA256,
            Algorithm::PS384 => &verified::RSA_PSS_2048_8192_SHA384,
            Algorithm::PS512 => &verified::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        })
    }

    fn curve(&self) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match self.algorithm {
            Algorithm::ES256 => &verified::ECDSA_P256_SHA256_FIXED,
            Algorithm::ES384 => &verified::ECDSA_P384_SHA384_FIXED,
            Algorithm::EdDSA => &verified::ED25519,
            _ => return None,
        })
    }
}

impl Verifier<Vec<u8>> for OneKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let holds = match (self.key.kind(), self.rsa(), self.curve()) {
            (DecodingKeyKind::RsaModulusExponent { n, e }, Some(parameters), _) => {
                // Some issuers write a sign in front of the modulus, which ring doesn't take.
                let n = &n[n.iter().take_while(|byte| **byte == 0).count()..];
                RsaPublicKeyComponents { n, e }
                    .verify(parameters, message, signature)
                    .is_ok()
            }
            (DecodingKeyKind::SecretOrDer(key), None, Some(curve)) => {
                UnparsedPublicKey::new(curve, key)
                    .verify(message, signature)
                    .is_ok()
            }
            _ => false,
        };
        match holds {
            true => Ok(()),
            false => Err(signature::Error::from_source(Error::from(
                ErrorKind::InvalidSignature,
            ))),
        }
    }
}

impl JwtVerifier for OneKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
