//! A certification authority for trying things out: the demo's province and the tests get their keys from it.
//!
//! It issues what a real province would buy: seals of bodies, signature certificates of officers, a time-stamp
//! unit, the signing certificate of a PEC provider, TLS. Its certificates say in their policy and names that they
//! are not real; nobody outside the demo trusts its root.

use super::SignatureError;
use super::algorithms::ECDSA_SHA256;
use super::asn1;
use super::keys::{KeyKind, SealKey};
use jiff::Timestamp;
use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameRef};
use std::ops::Range;

/// Who gets a certificate, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// The electronic seal of a body.
    Seal {
        /// Its name.
        name: String,
        /// organizationIdentifier, e.g. `VATIT-00337360978`.
        organisation_id: String,
    },
    /// The signature of a person.
    Person {
        /// Given name.
        given: String,
        /// Surname.
        surname: String,
        /// Italian tax code.
        tax_code: String,
    },
    /// A time-stamp unit.
    TimestampUnit {
        /// Its name.
        name: String,
    },
    /// The PEC provider that signs as this address.
    PecProvider {
        /// E.g. `posta-certificata@pec.test`.
        address: String,
    },
    /// A TLS server of these host names.
    Server {
        /// Host names or IP addresses.
        hosts: Vec<String>,
    },
}

impl Holder {
    /// The seal of a body.
    pub fn seal(name: &str, organisation_id: &str) -> Self {
        Self::Seal { name: name.to_owned(), organisation_id: organisation_id.to_owned() }
    }

    /// The signature of a person.
    pub fn person(given: &str, surname: &str, tax_code: &str) -> Self {
        Self::Person { given: given.to_owned(), surname: surname.to_owned(), tax_code: tax_code.to_owned() }
    }

    fn name(&self) -> Result<X509Name, SignatureError> {
        let mut name = X509Name::builder()?;
        name.append_entry_by_text("C", "IT")?;
        match self {
            Self::Seal { name: body, organisation_id } => {
                name.append_entry_by_text("O", body)?;
                name.append_entry_by_text("organizationIdentifier", organisation_id)?;
                name.append_entry_by_text("CN", &shortened(body))?;
            }
            Self::Person { given, surname, tax_code } => {
                name.append_entry_by_text("GN", given)?;
                name.append_entry_by_text("SN", surname)?;
                name.append_entry_by_text("serialNumber", &format!("TINIT-{tax_code}"))?;
                name.append_entry_by_text("CN", &shortened(&format!("{given} {surname}")))?;
            }
            Self::TimestampUnit { name: unit } => name.append_entry_by_text("CN", &shortened(unit))?,
            Self::PecProvider { address } => name.append_entry_by_text("CN", &shortened(address))?,
            Self::Server { hosts } => {
                name.append_entry_by_text("CN", &shortened(hosts.first().map_or("localhost", |h| h)))?
            }
        }
        Ok(name.build())
    }
}

/// A common name holds 64 characters (X.520, ub-common-name).
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The authority: its key and its root certificate.
pub struct TestCa {
    key: PKey<Private>,
    root: X509,
}

/// A key with its new certificate.
pub struct Issued {
    /// The private key.
    pub key: PKey<Private>,
    certificate: X509,
    root: X509,
}

impl Issued {
    /// A PKCS#12 container with key, certificate and root.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn pkcs12(&self, password: &str) -> Result<Vec<u8>, SignatureError> {
        let mut others = Stack::new()?;
        others.push(self.root.clone())?;
        let file = Pkcs12::builder()
            .name("seal")
            .pkey(&self.key)
            .cert(&self.certificate)
            .ca(others)
            .build2(password)?;
        Ok(file.to_der()?)
    }

    /// The certificate, DER.
    ///
    /// # Panics
    /// Never: a certificate just made can be encoded.
    pub fn certificate_der(&self) -> Vec<u8> {
        self.certificate.to_der().unwrap_or_default()
    }

    /// The certificate, PEM.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn certificate_pem(&self) -> Result<Vec<u8>, SignatureError> {
        Ok(self.certificate.to_pem()?)
    }

    /// The private key, PEM, PKCS#8, not encrypted.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn key_pem(&self) -> Result<Vec<u8>, SignatureError> {
        Ok(self.key.private_key_to_pem_pkcs8()?)
    }

    /// As a key that seals.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn seal_key(&self) -> Result<SealKey, SignatureError> {
        SealKey::from_parts(self.key.clone(), &self.certificate_der(), &[])
    }

    #[cfg(test)]
    pub(crate) fn subject_der(&self) -> Vec<u8> {
        self.certificate.subject_name().to_der().unwrap()
    }
}

/// A new private key.
fn new_key(kind: KeyKind) -> Result<PKey<Private>, SignatureError> {
    Ok(match kind {
        KeyKind::Rsa => PKey::from_rsa(Rsa::generate(2048)?)?,
        KeyKind::P256 => {
            PKey::from_ec_key(EcKey::generate(EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?.as_ref())?)?
        }
    })
}

fn begin(
    key: &PKey<Private>,
    subject: &X509NameRef,
    issuer: &X509NameRef,
    valid: &Range<Timestamp>,
) -> Result<X509Builder, SignatureError> {
    let mut serial = BigNum::new()?;
    serial.rand(127, openssl::bn::MsbOption::ONE, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(Asn1Integer::from_bn(&serial)?.as_ref())?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(Asn1Time::from_unix(valid.start.as_second())?.as_ref())?;
    builder.set_not_after(Asn1Time::from_unix(valid.end.as_second())?.as_ref())?;
    Ok(builder)
}

impl TestCa {
    /// A new authority (P-256) with its self-signed root.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn create(name: &str, valid: Range<Timestamp>) -> Result<Self, SignatureError> {
        let key = new_key(KeyKind::P256)?;
        let mut subject = X509Name::builder()?;
        subject.append_entry_by_text("C", "IT")?;
        subject.append_entry_by_text("O", "Telaio, ambiente di prova")?;
        subject.append_entry_by_text("CN", &shortened(name))?;
        let subject = subject.build();
        let mut builder = begin(&key, &subject, &subject, &valid)?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(id)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self { key, root: builder.build() })
    }

    /// Opens an authority kept as two PEM texts.
    ///
    /// # Errors
    /// [`SignatureError::Key`] when they are not a key and its certificate.
    pub fn load(key: &[u8], root: &[u8]) -> Result<Self, SignatureError> {
        let (key, root) = (PKey::private_key_from_pem(key)?, X509::from_pem(root)?);
        if !root.public_key()?.public_eq(&key) {
            return Err(SignatureError::Key("the root is of another key".into()));
        }
        Ok(Self { key, root })
    }

    /// The root, PEM: what the demo writes as trust anchor.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn root_pem(&self) -> Result<Vec<u8>, SignatureError> {
        Ok(self.root.to_pem()?)
    }

    /// The private key, PEM, PKCS#8.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn key_pem(&self) -> Result<Vec<u8>, SignatureError> {
        Ok(self.key.private_key_to_pem_pkcs8()?)
    }

    /// A new key and its certificate.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn issue(
        &self,
        holder: &Holder,
        kind: KeyKind,
        valid: Range<Timestamp>,
    ) -> Result<Issued, SignatureError> {
        self.issue_with(holder, kind, valid, false)
    }

    /// As [`TestCa::issue`], with the statements of a qualified certificate: to try what a trusted list does.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn issue_qualified(
        &self,
        holder: &Holder,
        kind: KeyKind,
        valid: Range<Timestamp>,
    ) -> Result<Issued, SignatureError> {
        self.issue_with(holder, kind, valid, true)
    }

    fn issue_with(
        &self,
        holder: &Holder,
        kind: KeyKind,
        valid: Range<Timestamp>,
        qualified: bool,
    ) -> Result<Issued, SignatureError> {
        let key = new_key(kind)?;
        let mut builder = begin(&key, holder.name()?.as_ref(), self.root.subject_name(), &valid)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        let context = builder.x509v3_context(Some(&self.root), None);
        let mut extensions = vec![
            SubjectKeyIdentifier::new().build(&context)?,
            AuthorityKeyIdentifier::new().keyid(true).build(&context)?,
        ];
        match holder {
            Holder::Seal { .. } => {
                extensions.push(KeyUsage::new().critical().digital_signature().non_repudiation().build()?)
            }
            Holder::Person { .. } => extensions.push(KeyUsage::new().critical().non_repudiation().build()?),
            Holder::TimestampUnit { .. } => {
                extensions.push(KeyUsage::new().critical().digital_signature().build()?);
                extensions.push(ExtendedKeyUsage::new().critical().time_stamping().build()?);
            }
            Holder::PecProvider { address } => {
                extensions.push(KeyUsage::new().critical().digital_signature().build()?);
                extensions.push(ExtendedKeyUsage::new().email_protection().build()?);
                extensions.push(SubjectAlternativeName::new().email(address).build(&context)?);
            }
            Holder::Server { hosts } => {
                extensions.push(KeyUsage::new().critical().digital_signature().build()?);
                extensions.push(ExtendedKeyUsage::new().server_auth().build()?);
                let mut names = SubjectAlternativeName::new();
                for host in hosts {
                    if host.parse::<std::net::IpAddr>().is_ok() {
                        names.ip(host)
                    } else {
                        names.dns(host)
                    };
                }
                extensions.push(names.build(&context)?);
            }
        }
        if qualified {
            extensions.push(qc_statements(matches!(holder, Holder::Seal { .. }))?);
        }
        for extension in extensions {
            builder.append_extension(extension)?;
        }
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(Issued { key, certificate: builder.build(), root: self.root.clone() })
    }

    /// A revocation list, DER, naming certificates (DER) and the instants of their revocation.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn revocation_list(
        &self,
        revoked: &[(Vec<u8>, Timestamp)],
        at: Timestamp,
        next: Timestamp,
    ) -> Result<Vec<u8>, SignatureError> {
        let mut entries = Vec::new();
        for (der, when) in revoked {
            let serial = X509::from_der(der)?.serial_number().to_bn()?.to_vec();
            entries.extend(asn1::sequence(&[&asn1::unsigned(&serial), &asn1::time(*when)]));
        }
        let algorithm = asn1::algorithm(&ECDSA_SHA256, false);
        let entries = if entries.is_empty() { Vec::new() } else { asn1::sequence(&[&entries]) };
        let tbs = asn1::sequence(&[
            &asn1::unsigned(&[1]),
            &algorithm,
            &self.root.subject_name().to_der()?,
            &asn1::time(at),
            &asn1::time(next),
            &entries,
        ]);
        let mut signature = vec![0];
        signature.extend(
            openssl::sign::Signer::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(&tbs)?,
        );
        Ok(asn1::sequence(&[&tbs, &algorithm, &asn1::tlv(asn1::BIT_STRING, &signature)]))
    }
}

/// qcStatements of ETSI EN 319 412-5: compliance, device, and the type (signature or seal).
fn qc_statements(seal: bool) -> Result<X509Extension, SignatureError> {
    use const_oid::ObjectIdentifier as Oid;
    let kind = if seal { Oid::new_unwrap("0.4.0.1862.1.6.2") } else { Oid::new_unwrap("0.4.0.1862.1.6.1") };
    let body = asn1::sequence(&[
        &asn1::sequence(&[&asn1::oid(&Oid::new_unwrap("0.4.0.1862.1.1"))]),
        &asn1::sequence(&[&asn1::oid(&Oid::new_unwrap("0.4.0.1862.1.4"))]),
        &asn1::sequence(&[
            &asn1::oid(&Oid::new_unwrap("0.4.0.1862.1.6")),
            &asn1::sequence(&[&asn1::oid(&kind)]),
        ]),
    ]);
    let value = Asn1OctetString::new_from_bytes(&body)?;
    Ok(X509Extension::new_from_der(Asn1Object::from_str("1.3.6.1.5.5.7.1.3")?.as_ref(), false, &value)?)
}

#[cfg(test)]
impl TestCa {
    /// The period used by the tests: the year 2026 and a little more.
    pub(crate) fn test_period() -> Range<Timestamp> {
        "2026-01-01T00:00:00Z".parse().unwrap().."2028-01-01T00:00:00Z".parse().unwrap()
    }

    /// An authority for one test.
    pub(crate) fn for_tests() -> Self {
        let valid = "2020-01-01T00:00:00Z".parse().unwrap().."2040-01-01T00:00:00Z".parse().unwrap();
        Self::create("CA di prova", valid).unwrap()
    }
}
