//! The sandbox's own certificates: an authority, the provider's S/MIME certificate and the servers' TLS one.
//!
//! Made once and kept in the folder, so that what was signed yesterday still verifies. All keys are P-256 and
//! all names say that they are for trials.

use documents::signature::{SealKey, cades};
use jiff::Timestamp;
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How long the certificates last.
const YEARS_OF_TRIAL: i64 = 20;

/// A certificate with its key.
#[derive(Clone)]
pub struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

/// The authority and what it issued.
pub struct Authority {
    folder: PathBuf,
    root: Identity,
    server: Identity,
    since: i64,
    /// Provider certificates by domain, made at first use.
    providers: Mutex<HashMap<String, Arc<Identity>>>,
}

impl Authority {
    /// Opens the certificates of the folder, or makes them, valid from a year before `now`.
    ///
    /// # Errors
    /// When the folder cannot be written or holds something unreadable.
    pub fn open(folder: &Path, now: Timestamp) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let since = now.as_second() - 365 * 24 * 3600;
        let root = open_or_make(folder, "root", || issue_root(since))?;
        let server = open_or_make(folder, "server", || issue_server(&root, since))?;
        Ok(Self { folder: folder.to_owned(), root, server, since, providers: Mutex::default() })
    }

    /// The authority's certificate: what a trust store must hold, for mail and for TLS.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn trust_pem(&self) -> io::Result<Vec<u8>> {
        Ok(self.root.certificate.to_pem()?)
    }

    /// Detached S/MIME signature (DER) of the provider that serves a domain, claiming the time `at` that it certifies:
    /// the sandbox's clock, which need not be the machine's.
    ///
    /// # Errors
    /// When OpenSSL fails or the folder cannot be written.
    pub fn sign(&self, domain: &str, content: &[u8], at: Timestamp) -> io::Result<Vec<u8>> {
        let provider = self.provider(domain)?;
        let certificate = provider.certificate.to_der()?;
        let key = SealKey::from_parts(provider.key.clone(), &certificate, &[]).map_err(io::Error::other)?;
        cades::sign_detached(&key, openssl::sha::sha256(content), at, None).map_err(io::Error::other)
    }

    fn provider(&self, domain: &str) -> io::Result<Arc<Identity>> {
        let mut all = self.providers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = all.get(domain) {
            return Ok(known.clone());
        }
        let made = open_or_make(&self.folder, domain, || issue_provider(&self.root, domain, self.since))?;
        Ok(all.entry(domain.to_owned()).or_insert(Arc::new(made)).clone())
    }

    /// TLS for the servers, under the names `localhost` and `127.0.0.1`.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn tls_config(&self) -> io::Result<rustls::ServerConfig> {
        let chain = vec![self.server.certificate.to_der()?.into(), self.root.certificate.to_der()?.into()];
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(self.server.key.private_key_to_pkcs8()?);
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .map_err(io::Error::other)
    }
}

fn open_or_make(
    folder: &Path,
    name: &str,
    make: impl FnOnce() -> Result<Identity, ErrorStack>,
) -> io::Result<Identity> {
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    if certificate.exists() && key.exists() {
        let certificate = X509::from_pem(&fs::read(certificate)?)?;
        return Ok(Identity { certificate, key: PKey::private_key_from_pem(&fs::read(key)?)? });
    }
    let made = make()?;
    fs::write(&key, made.key.private_key_to_pem_pkcs8()?)?;
    fs::write(&certificate, made.certificate.to_pem()?)?;
    Ok(made)
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    PKey::from_ec_key(EcKey::generate(EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?.as_ref())?)
}

fn issue_root(since: i64) -> Result<Identity, ErrorStack> {
    issue(None, "CA PEC di prova (Telaio)", since, |_| {
        let constraints = BasicConstraints::new().critical().ca().build()?;
        Ok(vec![constraints, KeyUsage::new().critical().key_cert_sign().crl_sign().build()?])
    })
}

fn issue_server(root: &Identity, since: i64) -> Result<Identity, ErrorStack> {
    issue(Some(root), "localhost", since, |builder| {
        let context = builder.x509v3_context(Some(&root.certificate), None);
        let names = SubjectAlternativeName::new().dns("localhost").ip("127.0.0.1").build(&context)?;
        Ok(vec![ExtendedKeyUsage::new().server_auth().build()?, names])
    })
}

fn issue_provider(root: &Identity, domain: &str, since: i64) -> Result<Identity, ErrorStack> {
    issue(Some(root), "Gestore PEC di prova (Telaio)", since, |builder| {
        let context = builder.x509v3_context(Some(&root.certificate), None);
        let address = format!("posta-certificata@{domain}");
        let names = SubjectAlternativeName::new().email(&address).build(&context)?;
        let usage = KeyUsage::new().critical().digital_signature().build()?;
        Ok(vec![usage, ExtendedKeyUsage::new().email_protection().build()?, names])
    })
}

fn issue(
    issuer: Option<&Identity>,
    common_name: &str,
    since: i64,
    extensions: impl FnOnce(&X509Builder) -> Result<Vec<X509Extension>, ErrorStack>,
) -> Result<Identity, ErrorStack> {
    let key = new_key()?;
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COUNTRYNAME, "IT")?;
    name.append_entry_by_nid(Nid::ORGANIZATIONNAME, "Telaio, solo per prova")?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(Asn1Integer::from_bn(&serial)?.as_ref())?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(issuer.map_or(name.as_ref(), |i| i.certificate.subject_name()))?;
    builder.set_pubkey(&key)?;
    builder.set_not_before(Asn1Time::from_unix(since)?.as_ref())?;
    builder.set_not_after(Asn1Time::from_unix(since + YEARS_OF_TRIAL * 366 * 24 * 3600)?.as_ref())?;
    for extension in extensions(&builder)? {
        builder.append_extension(extension)?;
    }
    builder.sign(issuer.map_or(&key, |i| &i.key), MessageDigest::sha256())?;
    Ok(Identity { certificate: builder.build(), key })
}
