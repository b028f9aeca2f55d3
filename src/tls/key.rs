//! A private key in PEM, and what it signs where it is not for TLS. Knows nothing of what it signs.

use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

/// The signature of an RSA key, PKCS#1 or PKCS#8 in PEM, over a message: RSASSA-PKCS1-v1_5 with SHA-256, which
/// JSON Web Tokens call `RS256`.
///
/// # Errors
/// What is wrong with the key.
pub(crate) fn sign_rs256(pem: &[u8], message: &[u8]) -> Result<Vec<u8>, String> {
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        let is_locked = pem.windows(9).any(|at| at == b"ENCRYPTED");
        let why = if is_locked { "it is locked by a passphrase" } else { "there is no private key in it" };
        format!("{why}; expected an RSA key in PEM that has no passphrase")
    })?;
    let key = any_supported_type(&key).map_err(|_| "it is no RSA key of 2048 bits or more".to_owned())?;
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]);
    let signer = signer.ok_or("it is no RSA key")?;
    signer.sign(message).map_err(|error| format!("it does not sign: {error}"))
}
