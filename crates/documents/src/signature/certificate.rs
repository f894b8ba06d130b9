//! A certificate, read once: who it names, what its key may do, what it claims about qualification.
//!
//! Only facts written in the certificate are here. Whether anybody should believe them is for
//! [`TrustStore`](super::trust::TrustStore).

use super::algorithms::{Digest, SignatureAlgorithm};
use super::asn1::{
    self, BIT_STRING, BOOLEAN, INTEGER, Malformed, OCTET_STRING, Reader, SEQUENCE, Tlv, context,
};
use const_oid::ObjectIdentifier;
use jiff::Timestamp;
use openssl::pkey::{PKey, Public};
use openssl::x509::X509;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SURNAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.4");
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const LOCALITY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.7");
const ORGANISATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const GIVEN_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.42");
const ORGANISATION_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.97");

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
const EXT_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const SUBJECT_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const QC_STATEMENTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.3");
const QC_COMPLIANCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.1");
const QC_DEVICE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.4");
const QC_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6");
const QC_SIGN: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6.1");
const QC_SEAL: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6.2");
pub(crate) const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
pub(crate) const EMAIL_PROTECTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4");
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Bits of the key usage extension, as numbered by RFC 5280, 4.2.1.3.
pub(crate) mod usage {
    pub const DIGITAL_SIGNATURE: u16 = 1 << 0;
    pub const NON_REPUDIATION: u16 = 1 << 1;
    pub const CERT_SIGN: u16 = 1 << 5;
    pub const CRL_SIGN: u16 = 1 << 6;
}

/// A distinguished name: its bytes, for comparison, and the parts that people recognise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// The DER of the whole name.
    pub der: Vec<u8>,
    /// CN.
    pub common_name: Option<String>,
    /// surname.
    pub surname: Option<String>,
    /// givenName.
    pub given_name: Option<String>,
    /// O.
    pub organisation: Option<String>,
    /// organizationIdentifier (ETSI EN 319 412-1), e.g. `VATIT-00337360978`.
    pub organisation_id: Option<String>,
    /// serialNumber; Italian personal certificates write `TINIT-` and the tax code.
    pub serial_number: Option<String>,
    text: String,
}

impl Name {
    fn read(name: Tlv<'_>) -> Result<Self, Malformed> {
        let mut out = Self { der: name.whole.to_vec(), ..Self::default() };
        let mut parts = Vec::new();
        for set in name.inside().all()? {
            for pair in set.inside().all()? {
                let mut pair = pair.inside();
                let kind = pair.next()?;
                let value = asn1::read_text(pair.next()?);
                out.take(kind, &value, &mut parts);
            }
        }
        out.text = parts.join(", ");
        Ok(out)
    }

    fn take(&mut self, kind: Tlv<'_>, value: &str, parts: &mut Vec<String>) {
        let labels =
            [(COMMON_NAME, "CN"), (ORGANISATION, "O"), (UNIT, "OU"), (COUNTRY, "C"), (LOCALITY, "L")];
        if let Some((_, label)) = labels.iter().find(|(oid, _)| kind.is(oid)) {
            parts.push(format!("{label}={value}"));
        }
        let slot = match kind {
            k if k.is(&COMMON_NAME) => &mut self.common_name,
            k if k.is(&SURNAME) => &mut self.surname,
            k if k.is(&GIVEN_NAME) => &mut self.given_name,
            k if k.is(&ORGANISATION) => &mut self.organisation,
            k if k.is(&ORGANISATION_ID) => &mut self.organisation_id,
            k if k.is(&SERIAL_NUMBER) => &mut self.serial_number,
            _ => return,
        };
        *slot = Some(value.to_owned());
    }

    /// The name on one line, e.g. `CN=Comune di Prato, O=Comune di Prato, C=IT`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tax code of the person or body, out of `TINIT-…`, `IT:…`, `VATIT-…` or `CF:IT-…`.
    pub fn tax_code(&self) -> Option<String> {
        let codes = [self.serial_number.as_deref(), self.organisation_id.as_deref()];
        codes.into_iter().flatten().find_map(|text| {
            let prefixes = ["TINIT-", "VATIT-", "CFIT-", "CF:IT-", "IT:", "IT-"];
            let code = prefixes.iter().find_map(|p| text.strip_prefix(p))?;
            (matches!(code.len(), 11 | 16) && code.bytes().all(|b| b.is_ascii_alphanumeric()))
                .then(|| code.to_owned())
        })
    }
}

/// What the certificate says of itself by ETSI EN 319 412-5.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QcStatements {
    /// Issued as a qualified certificate.
    pub compliance: bool,
    /// The private key is in a qualified device.
    pub device: bool,
    /// For electronic signatures of persons.
    pub for_signature: bool,
    /// For electronic seals of bodies.
    pub for_seal: bool,
}

/// A certificate with its facts and its public key, ready for use.
#[derive(Debug)]
pub struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) sha256: [u8; 32],
    pub(crate) serial: Vec<u8>,
    pub(crate) subject: Name,
    pub(crate) issuer: Name,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key: PKey<Public>,
    pub(crate) key_usage: Option<u16>,
    pub(crate) is_ca: bool,
    pub(crate) path_length: Option<u64>,
    pub(crate) purposes: Option<Vec<Vec<u8>>>,
    pub(crate) emails: Vec<String>,
    pub(crate) qc: QcStatements,
    pub(crate) key_id: Option<Vec<u8>>,
    pub(crate) unknown_critical: bool,
    tbs: std::ops::Range<usize>,
    algorithm: Option<SignatureAlgorithm>,
    signature: Vec<u8>,
}

/// Reads every certificate of a PEM text; other blocks in it are passed over.
///
/// # Errors
/// `Trust` when the text holds no certificate or a damaged one.
pub fn certificates_pem(pem: &[u8]) -> Result<Vec<Certificate>, super::SignatureError> {
    use super::SignatureError::Trust;
    let stack = openssl::x509::X509::stack_from_pem(pem).map_err(|_| Trust("not PEM certificates"))?;
    if stack.is_empty() {
        return Err(Trust("no certificate in the file"));
    }
    let one = |x509: openssl::x509::X509| {
        let der = x509.to_der().map_err(|_| Trust("damaged certificate"))?;
        Certificate::from_der(&der).map_err(|_| Trust("damaged certificate"))
    };
    stack.into_iter().map(one).collect()
}

impl Certificate {
    /// Reads a DER certificate.
    ///
    /// # Errors
    /// [`Malformed`] when it is not one, or its key is of a kind OpenSSL does not know.
    pub fn from_der(der: &[u8]) -> Result<Self, Malformed> {
        let whole = Reader(der).expect(SEQUENCE)?;
        let mut outer = whole.inside();
        let tbs = outer.expect(SEQUENCE)?;
        let algorithm = SignatureAlgorithm::read(outer.sequence()?)?;
        let signature = bits(outer.expect(BIT_STRING)?)?.to_vec();
        let key = X509::from_der(whole.whole).and_then(|x| x.public_key()).map_err(|_| Malformed)?;
        let start = tbs.whole.as_ptr() as usize - whole.whole.as_ptr() as usize;

        let mut inner = tbs.inside();
        inner.optional(context(0))?;
        let serial = inner.expect(INTEGER)?.body.to_vec();
        inner.expect(SEQUENCE)?;
        let issuer = Name::read(inner.expect(SEQUENCE)?)?;
        let mut validity = inner.sequence()?;
        let (not_before, not_after) =
            (asn1::read_time(validity.next()?)?, asn1::read_time(validity.next()?)?);
        let subject = Name::read(inner.expect(SEQUENCE)?)?;
        let mut certificate = Self {
            der: whole.whole.to_vec(),
            sha256: openssl::sha::sha256(whole.whole),
            serial,
            subject,
            issuer,
            not_before,
            not_after,
            key,
            key_usage: None,
            is_ca: false,
            path_length: None,
            purposes: None,
            emails: Vec::new(),
            qc: QcStatements::default(),
            key_id: None,
            unknown_critical: false,
            tbs: start..start + tbs.whole.len(),
            algorithm,
            signature,
        };
        for part in inner.all()? {
            if part.tag == context(3) {
                certificate.read_extensions(part.inside().sequence()?)?;
            }
        }
        Ok(certificate)
    }

    fn read_extensions(&mut self, list: Reader<'_>) -> Result<(), Malformed> {
        for extension in list.all()? {
            let mut parts = extension.inside();
            let id = parts.next()?;
            let critical = parts.optional(BOOLEAN)?.is_some_and(|b| b.body != [0]);
            let value = Reader(parts.expect(OCTET_STRING)?.body);
            if !self.read_extension(id, value)? && critical {
                self.unknown_critical = true;
            }
        }
        Ok(())
    }

    /// Reads one extension; `false` when this file does not understand it.
    fn read_extension(&mut self, id: Tlv<'_>, mut value: Reader<'_>) -> Result<bool, Malformed> {
        match id {
            i if i.is(&KEY_USAGE) => self.key_usage = Some(usage_bits(value.expect(BIT_STRING)?)?),
            i if i.is(&BASIC_CONSTRAINTS) => {
                let mut parts = value.sequence()?;
                self.is_ca = parts.optional(BOOLEAN)?.is_some_and(|b| b.body != [0]);
                self.path_length = parts
                    .optional(INTEGER)?
                    .map(|n| n.body.iter().fold(0u64, |a, b| (a << 8) | u64::from(*b)));
            }
            i if i.is(&EXT_KEY_USAGE) => {
                let purposes = value.sequence()?.all()?.iter().map(|p| p.body.to_vec()).collect();
                self.purposes = Some(purposes);
            }
            i if i.is(&ALTERNATIVE_NAME) => {
                let names = value.sequence()?.all()?;
                let emails = names.iter().filter(|n| n.tag == 0x81);
                self.emails = emails.map(|n| String::from_utf8_lossy(n.body).into_owned()).collect();
            }
            i if i.is(&SUBJECT_KEY_ID) => self.key_id = Some(value.expect(OCTET_STRING)?.body.to_vec()),
            i if i.is(&QC_STATEMENTS) => self.qc = read_qc(value.sequence()?)?,
            i if i.is(&POLICIES) => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether `issuer`'s key made the signature on this certificate.
    pub fn signed_by(&self, issuer: &Certificate) -> bool {
        let Some(algorithm) = self.algorithm else { return false };
        let Some(digest) = algorithm.digest else { return false };
        algorithm.verify(&issuer.key, digest, &digest.of(&self.der[self.tbs.clone()]), &self.signature)
    }

    /// The digest of the issuer's signature, if its algorithm is known.
    pub(crate) fn signature_digest(&self) -> Option<Digest> {
        self.algorithm.and_then(|a| a.digest)
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject.der == self.issuer.der
    }

    /// Whether the key may be used for `purpose` as far as the extended key usage says.
    pub(crate) fn allows(&self, purpose: &ObjectIdentifier) -> bool {
        let fits = |p: &Vec<u8>| p == purpose.as_bytes() || p == ANY_USAGE.as_bytes();
        self.purposes.as_ref().is_none_or(|list| list.iter().any(fits))
    }

    /// Whether the certificate names `purpose` and nothing else (RFC 3161, 2.3).
    pub(crate) fn is_only_for(&self, purpose: &ObjectIdentifier) -> bool {
        self.purposes.as_ref().is_some_and(|list| list.len() == 1 && list[0] == purpose.as_bytes())
    }

    /// Whether any of the key usage `bits` is granted; a certificate without the extension grants all.
    pub(crate) fn may(&self, bits: u16) -> bool {
        self.key_usage.is_none_or(|usage| usage & bits != 0)
    }

    /// The serial number in hexadecimal.
    pub fn serial_hex(&self) -> String {
        hex::encode(&self.serial)
    }

    /// The subject.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The issuer.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// First instant of validity.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Last instant of validity.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The DER bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the DER bytes.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.sha256
    }

    /// The mail addresses of the alternative name.
    pub fn emails(&self) -> &[String] {
        &self.emails
    }

    /// What it says about qualification.
    pub fn qc(&self) -> QcStatements {
        self.qc
    }
}

/// The content of a BIT STRING that is whole bytes.
fn bits(t: Tlv<'_>) -> Result<&[u8], Malformed> {
    t.body.strip_prefix(&[0]).ok_or(Malformed)
}

/// Key usage bits with bit 0 (digitalSignature) lowest.
fn usage_bits(t: Tlv<'_>) -> Result<u16, Malformed> {
    let (_, bytes) = t.body.split_first().ok_or(Malformed)?;
    let bit = |i: usize| bytes.get(i / 8).is_some_and(|b| b & (0x80 >> (i % 8)) != 0);
    Ok((0..9).filter(|i| bit(*i)).fold(0, |all, i| all | 1 << i))
}

fn read_qc(list: Reader<'_>) -> Result<QcStatements, Malformed> {
    let mut qc = QcStatements::default();
    for statement in list.all()? {
        let mut parts = statement.inside();
        match parts.next()? {
            id if id.is(&QC_COMPLIANCE) => qc.compliance = true,
            id if id.is(&QC_DEVICE) => qc.device = true,
            id if id.is(&QC_TYPE) => {
                for kind in parts.sequence()?.all()? {
                    qc.for_signature |= kind.is(&QC_SIGN);
                    qc.for_seal |= kind.is(&QC_SEAL);
                }
            }
            _ => {}
        }
    }
    Ok(qc)
}
