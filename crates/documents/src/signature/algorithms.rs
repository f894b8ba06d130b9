//! Digests and public-key signatures by name: which are known, which are too weak, and how one is checked.
//!
//! Keys and arithmetic are OpenSSL's; this file only knows the object identifiers and URIs by which CMS,
//! certificates and XML call the same few algorithms.

use super::asn1::{Malformed, Reader, Tlv, context};
use const_oid::ObjectIdentifier;
use openssl::md::{Md, MdRef};
use openssl::pkey::{Id, PKey, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;

pub(crate) const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
pub(crate) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const RSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
pub(crate) const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
pub(crate) const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// A message digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// By the object identifier of the digest itself.
    pub fn by_oid(oid: Tlv<'_>) -> Option<Self> {
        [(SHA1, Self::Sha1), (SHA256, Self::Sha256), (SHA384, Self::Sha384), (SHA512, Self::Sha512)]
            .iter()
            .find_map(|(known, digest)| oid.is(known).then_some(*digest))
    }

    /// By its name in XML signatures.
    pub fn by_uri(uri: &str) -> Option<Self> {
        Some(match uri {
            "http://www.w3.org/2000/09/xmldsig#sha1" => Self::Sha1,
            "http://www.w3.org/2001/04/xmlenc#sha256" => Self::Sha256,
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => Self::Sha384,
            "http://www.w3.org/2001/04/xmlenc#sha512" => Self::Sha512,
            _ => return None,
        })
    }

    /// SHA-1 no longer proves anything by itself (eIDAS practice, ETSI TS 119 312).
    pub fn is_weak(self) -> bool {
        self == Self::Sha1
    }

    /// The digest of some bytes in one go.
    pub fn of(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => openssl::sha::sha1(data).to_vec(),
            Self::Sha256 => openssl::sha::sha256(data).to_vec(),
            Self::Sha384 => openssl::sha::sha384(data).to_vec(),
            Self::Sha512 => openssl::sha::sha512(data).to_vec(),
        }
    }

    /// The digest of several pieces one after the other.
    pub fn of_parts(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut hasher = Hasher::new(self);
        parts.iter().for_each(|part| hasher.update(part));
        hasher.finish()
    }

    fn md(self) -> &'static MdRef {
        match self {
            Self::Sha1 => Md::sha1(),
            Self::Sha256 => Md::sha256(),
            Self::Sha384 => Md::sha384(),
            Self::Sha512 => Md::sha512(),
        }
    }
}

/// A running digest, for what is too big to hold.
pub(crate) enum Hasher {
    Sha1(openssl::sha::Sha1),
    Sha256(openssl::sha::Sha256),
    Sha384(openssl::sha::Sha384),
    Sha512(openssl::sha::Sha512),
}

impl Hasher {
    pub fn new(digest: Digest) -> Self {
        match digest {
            Digest::Sha1 => Self::Sha1(openssl::sha::Sha1::new()),
            Digest::Sha256 => Self::Sha256(openssl::sha::Sha256::new()),
            Digest::Sha384 => Self::Sha384(openssl::sha::Sha384::new()),
            Digest::Sha512 => Self::Sha512(openssl::sha::Sha512::new()),
        }
    }

    pub fn update(&mut self, data: &[u8]) {
        match self {
            Self::Sha1(h) => h.update(data),
            Self::Sha256(h) => h.update(data),
            Self::Sha384(h) => h.update(data),
            Self::Sha512(h) => h.update(data),
        }
    }

    pub fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(h) => h.finish().to_vec(),
            Self::Sha256(h) => h.finish().to_vec(),
            Self::Sha384(h) => h.finish().to_vec(),
            Self::Sha512(h) => h.finish().to_vec(),
        }
    }
}

/// How the digest is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    RsaPkcs1,
    RsaPss,
    Ecdsa,
}

/// A signature algorithm as read: the scheme, and the digest if the name fixes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignatureAlgorithm {
    pub scheme: Scheme,
    pub digest: Option<Digest>,
}

impl SignatureAlgorithm {
    /// Reads the content of an AlgorithmIdentifier; `None` for an algorithm not known here.
    pub fn read(mut inside: Reader<'_>) -> Result<Option<Self>, Malformed> {
        let id = inside.next()?;
        if id.is(&RSA_PSS) {
            let digest = pss_digest(inside)?;
            return Ok(digest.map(|digest| Self { scheme: Scheme::RsaPss, digest: Some(digest) }));
        }
        let table = [
            (RSA_SHA256, Scheme::RsaPkcs1, Some(Digest::Sha256)),
            (ECDSA_SHA256, Scheme::Ecdsa, Some(Digest::Sha256)),
            (RSA, Scheme::RsaPkcs1, None),
            (RSA_SHA384, Scheme::RsaPkcs1, Some(Digest::Sha384)),
            (RSA_SHA512, Scheme::RsaPkcs1, Some(Digest::Sha512)),
            (RSA_SHA1, Scheme::RsaPkcs1, Some(Digest::Sha1)),
            (EC_KEY, Scheme::Ecdsa, None),
            (ECDSA_SHA384, Scheme::Ecdsa, Some(Digest::Sha384)),
            (ECDSA_SHA512, Scheme::Ecdsa, Some(Digest::Sha512)),
            (ECDSA_SHA1, Scheme::Ecdsa, Some(Digest::Sha1)),
        ];
        let found = table.iter().find(|(oid, ..)| id.is(oid));
        Ok(found.map(|(_, scheme, digest)| Self { scheme: *scheme, digest: *digest }))
    }

    /// By its name in XML signatures.
    pub fn by_uri(uri: &str) -> Option<Self> {
        let (scheme, digest) = match uri {
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1" => (Scheme::RsaPkcs1, Digest::Sha1),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => (Scheme::RsaPkcs1, Digest::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => (Scheme::RsaPkcs1, Digest::Sha384),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => (Scheme::RsaPkcs1, Digest::Sha512),
            "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1" => (Scheme::RsaPss, Digest::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => (Scheme::Ecdsa, Digest::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => (Scheme::Ecdsa, Digest::Sha384),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512" => (Scheme::Ecdsa, Digest::Sha512),
            _ => return None,
        };
        Some(Self { scheme, digest: Some(digest) })
    }

    /// Whether `signature` (DER for ECDSA) is that of `hash` under `key`.
    pub fn verify(self, key: &PKey<Public>, digest: Digest, hash: &[u8], signature: &[u8]) -> bool {
        let fits = match self.scheme {
            Scheme::RsaPkcs1 | Scheme::RsaPss => key.id() == Id::RSA && key.bits() >= 1024,
            Scheme::Ecdsa => key.id() == Id::EC,
        };
        fits && self.check(key, digest, hash, signature).unwrap_or(false)
    }

    fn check(
        self,
        key: &PKey<Public>,
        digest: Digest,
        hash: &[u8],
        sig: &[u8],
    ) -> Result<bool, openssl::error::ErrorStack> {
        let mut ctx = PkeyCtx::new(key)?;
        ctx.verify_init()?;
        match self.scheme {
            Scheme::RsaPkcs1 => ctx.set_rsa_padding(Padding::PKCS1)?,
            Scheme::RsaPss => ctx.set_rsa_padding(Padding::PKCS1_PSS)?,
            Scheme::Ecdsa => {}
        }
        ctx.set_signature_md(digest.md())?;
        if self.scheme == Scheme::RsaPss {
            ctx.set_rsa_pss_saltlen(RsaPssSaltlen::custom(-2))?; // -2: take the length found in the signature
        }
        ctx.verify(hash, sig)
    }
}

/// The digest named in RSASSA-PSS parameters (default SHA-1).
fn pss_digest(mut inside: Reader<'_>) -> Result<Option<Digest>, Malformed> {
    let mut params = inside.sequence()?;
    match params.optional(context(0))? {
        Some(hash) => Ok(Digest::by_oid(hash.inside().sequence()?.next()?)),
        None => Ok(Some(Digest::Sha1)),
    }
}
