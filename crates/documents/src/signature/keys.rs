//! Keys that seal: from a PKCS#12 file, or in a token that never lets them out (PKCS#11).
//!
//! A [`SealKey`] signs SHA-256 digests and knows its certificate. RSA and the curve P-256 are enough: they are what
//! qualified providers issue. Where the passwords come from is the caller's business.

use super::SignatureError;
use super::certificate::Certificate;
use super::pkcs11::Token;
use openssl::md::Md;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{Id, PKey, PKeyRef, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use std::path::Path;

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, PKCS#1 v1.5 signatures.
    Rsa,
    /// The NIST curve P-256.
    P256,
}

enum Holder {
    Software(PKey<Private>),
    Token(Token),
}

/// A key that can seal, with its certificate and the chain above it (without the root).
pub struct SealKey {
    holder: Holder,
    kind: KeyKind,
    certificate: Certificate,
    chain: Vec<Vec<u8>>,
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealKey")
            .field("kind", &self.kind)
            .field("subject", &self.certificate.subject.text())
            .finish_non_exhaustive()
    }
}

impl SealKey {
    /// Opens a PKCS#12 container.
    ///
    /// # Errors
    /// [`SignatureError::Key`] for a wrong password, a missing key or certificate, or a kind of key not known.
    pub fn from_pkcs12(bytes: &[u8], password: &str) -> Result<Self, SignatureError> {
        let parsed = Pkcs12::from_der(bytes)
            .and_then(|p| p.parse2(password))
            .map_err(|_| SignatureError::Key("wrong password, or not a PKCS#12 file".into()))?;
        let missing = |what: &str| SignatureError::Key(format!("the PKCS#12 file has no {what}"));
        let key = parsed.pkey.ok_or_else(|| missing("key"))?;
        let certificate = parsed.cert.ok_or_else(|| missing("certificate"))?.to_der()?;
        let others = parsed.ca.iter().flatten().map(|c| c.to_der()).collect::<Result<Vec<_>, _>>()?;
        Self::from_parts(key, &certificate, &others)
    }

    /// Joins a private key, its certificate (DER) and other certificates of its chain (DER).
    ///
    /// # Errors
    /// [`SignatureError::Key`] when key and certificate do not belong together.
    pub fn from_parts(
        key: PKey<Private>,
        certificate: &[u8],
        others: &[Vec<u8>],
    ) -> Result<Self, SignatureError> {
        let certificate = read(certificate)?;
        if !key.public_eq(&certificate.key) {
            return Err(SignatureError::Key("the certificate is of another key".into()));
        }
        Ok(Self {
            kind: kind_of(&key)?,
            holder: Holder::Software(key),
            chain: without_roots(others),
            certificate,
        })
    }

    /// Opens a key in a PKCS#11 token: `module` is the driver's library, `key` the label of the key (any key with
    /// a certificate when `None`).
    ///
    /// # Errors
    /// [`SignatureError::Key`] when driver, token, PIN or key are not as said.
    pub fn from_token(
        module: &Path,
        token: &str,
        pin: &str,
        key: Option<&str>,
    ) -> Result<Self, SignatureError> {
        let (token, certificate, others) = Token::open(module, token, pin, key)?;
        let certificate = read(&certificate)?;
        let kind = kind_of(&certificate.key)?;
        Ok(Self {
            kind,
            holder: Holder::Token(token.of_kind(kind)),
            chain: without_roots(&others),
            certificate,
        })
    }

    /// Signs a SHA-256 digest: PKCS#1 v1.5 for RSA, the DER form for P-256.
    ///
    /// # Errors
    /// When the library or the token refuses.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<Vec<u8>, SignatureError> {
        match &self.holder {
            Holder::Software(key) => {
                let mut ctx = PkeyCtx::new(key)?;
                ctx.sign_init()?;
                if self.kind == KeyKind::Rsa {
                    ctx.set_rsa_padding(Padding::PKCS1)?;
                }
                ctx.set_signature_md(Md::sha256())?;
                let mut out = Vec::new();
                ctx.sign_to_vec(digest, &mut out)?;
                Ok(out)
            }
            Holder::Token(token) => token.sign(digest),
        }
    }

    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Certificates between this one and the root.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }
}

fn read(der: &[u8]) -> Result<Certificate, SignatureError> {
    Certificate::from_der(der).map_err(|_| SignatureError::Key("the certificate cannot be read".into()))
}

/// The root is what the reader must already trust: sending it along proves nothing.
fn without_roots(others: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let is_root = |der: &Vec<u8>| Certificate::from_der(der).is_ok_and(|c| c.is_self_issued());
    others.iter().filter(|der| !is_root(der)).cloned().collect()
}

fn kind_of<T: openssl::pkey::HasPublic>(key: &PKeyRef<T>) -> Result<KeyKind, SignatureError> {
    match key.id() {
        Id::RSA if key.bits() >= 2048 => Ok(KeyKind::Rsa),
        Id::EC if key.ec_key()?.group().curve_name() == Some(Nid::X9_62_PRIME256V1) => Ok(KeyKind::P256),
        _ => Err(SignatureError::Key("only RSA from 2048 bits and P-256 are used for seals".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pkcs11::tests::softhsm;
    use super::super::test_ca::{Holder, TestCa};
    use super::*;

    #[test]
    fn pkcs12_opens_with_its_password_only() {
        let ca = TestCa::for_tests();
        for kind in [KeyKind::Rsa, KeyKind::P256] {
            let issued = ca
                .issue(&Holder::seal("Comune di Prova", "VATIT-00000000000"), kind, TestCa::test_period())
                .unwrap();
            let file = issued.pkcs12("giusta").unwrap();
            assert!(SealKey::from_pkcs12(&file, "sbagliata").is_err());
            let key = SealKey::from_pkcs12(&file, "giusta").unwrap();
            assert_eq!(key.kind(), kind);
            assert!(key.chain().is_empty(), "the root is not sent along");
            assert_eq!(key.certificate().subject().organisation_id.as_deref(), Some("VATIT-00000000000"));
        }
    }

    #[test]
    fn a_token_signs_as_a_file_does() {
        let Some(hsm) = softhsm() else { return };
        let ca = TestCa::for_tests();
        for (kind, label) in [(KeyKind::Rsa, "sigillo-rsa"), (KeyKind::P256, "sigillo-ec")] {
            let issued = ca
                .issue(&Holder::seal("Comune di Prova", "VATIT-00000000000"), kind, TestCa::test_period())
                .unwrap();
            hsm.import(label, &issued);
            let key = SealKey::from_token(&hsm.module, &hsm.token, &hsm.pin, Some(label)).unwrap();
            assert_eq!(key.kind(), kind);
            let digest = openssl::sha::sha256(b"prova");
            let signature = key.sign_digest(&digest).unwrap();
            let mut check = PkeyCtx::new(&key.certificate().key).unwrap();
            check.verify_init().unwrap();
            check.set_signature_md(Md::sha256()).unwrap();
            assert!(check.verify(&digest, &signature).unwrap());
        }
        assert!(SealKey::from_token(&hsm.module, &hsm.token, "0000", None).is_err(), "wrong PIN");
        assert!(SealKey::from_token(&hsm.module, "altro", &hsm.pin, None).is_err(), "no such token");
    }
}
