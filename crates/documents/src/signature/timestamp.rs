//! Time stamps (RFC 3161): asking for them, checking them, and the containers they travel in.
//!
//! The exchange with the authority is a closure handed in: this file builds the question and distrusts the answer.
//! [`Tsa`] is an authority of our own for the demo and the tests.

use super::SignatureError;
use super::algorithms::{Digest, SHA256};
use super::asn1::{
    self, BOOLEAN, GENERALIZED_TIME, INTEGER, Malformed, OCTET_STRING, OID, Reader, SEQUENCE, context,
};
use super::cms::{self, SignedData, TST_INFO, ToSign};
use super::keys::SealKey;
use super::report::{Format, Reason, Stamp, TimeKind, TimeReference, Verification, heaviest};
use super::trust::{Purpose, Times, TrustStore};
use const_oid::ObjectIdentifier;
use jiff::Timestamp;

const TIMESTAMPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.31");
/// The policy of our own authority: an arc that anybody may use (ITU-T X.667), so that it claims no real policy.
const DEMO_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.25.2718281828");

/// What a token says.
struct TstInfo<'a> {
    digest: Option<Digest>,
    imprint: &'a [u8],
    at: Timestamp,
    nonce: Option<&'a [u8]>,
}

impl<'a> TstInfo<'a> {
    fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut parts = Reader(der).sequence()?;
        parts.expect(INTEGER)?;
        parts.expect(OID)?;
        let mut imprint = parts.sequence()?;
        let digest = Digest::by_oid(imprint.sequence()?.next()?);
        let imprint = imprint.expect(OCTET_STRING)?.body;
        parts.expect(INTEGER)?;
        let at = asn1::read_time(parts.expect(GENERALIZED_TIME)?)?;
        parts.optional(SEQUENCE)?;
        parts.optional(BOOLEAN)?;
        let nonce = parts.optional(INTEGER)?.map(|n| n.body);
        Ok(Self { digest, imprint, at, nonce })
    }
}

/// A question to a time-stamp authority: SHA-256 digest, nonce, certificate wanted.
pub fn request(digest: &[u8; 32], nonce: &[u8; 16]) -> Vec<u8> {
    asn1::sequence(&[
        &asn1::unsigned(&[1]),
        &asn1::sequence(&[&asn1::algorithm(&SHA256, true), &asn1::tlv(OCTET_STRING, digest)]),
        &asn1::unsigned(nonce),
        &asn1::tlv(BOOLEAN, &[0xFF]),
    ])
}

/// Takes the token out of an authority's answer, if it answers the question asked. Its signature is not checked
/// here: see [`verify`].
///
/// # Errors
/// [`SignatureError::Timestamp`] when the authority refuses, or answers something else.
pub fn token_of(response: &[u8], digest: &[u8; 32], nonce: &[u8; 16]) -> Result<Vec<u8>, SignatureError> {
    let wrong = |what: &str| SignatureError::Timestamp(what.to_owned());
    let (status, token) =
        read_response(response).map_err(|_| wrong("the answer is not a time-stamp response"))?;
    let token = token
        .filter(|_| status <= 1)
        .ok_or_else(|| SignatureError::Timestamp(format!("refused with status {status}")))?;
    let data = SignedData::read(token).map_err(|_| wrong("the token cannot be read"))?;
    let info = data
        .content
        .filter(|_| data.content_type == TST_INFO.as_bytes())
        .ok_or_else(|| wrong("the token is empty"))?;
    let info = TstInfo::read(info).map_err(|_| wrong("the token cannot be read"))?;
    if info.digest != Some(Digest::Sha256) || info.imprint != digest {
        return Err(wrong("the token is about something else"));
    }
    let ours = asn1::unsigned(nonce);
    if info.nonce != Some(&ours[2..]) {
        return Err(wrong("the token answers another question"));
    }
    Ok(token.to_vec())
}

/// Makes a stamper for signatures out of an exchange: question in, answer out.
pub fn stamper<'a>(
    mut exchange: impl FnMut(&[u8]) -> Result<Vec<u8>, SignatureError> + 'a,
) -> impl FnMut(&[u8; 32]) -> Result<Vec<u8>, SignatureError> + 'a {
    move |digest| {
        let mut nonce = [0; 16];
        openssl::rand::rand_bytes(&mut nonce)?;
        let response = exchange(&request(digest, &nonce))?;
        token_of(&response, digest, &nonce)
    }
}

/// Status and token of a TimeStampResp.
fn read_response(der: &[u8]) -> Result<(u64, Option<&[u8]>), Malformed> {
    let mut parts = Reader(der).sequence()?;
    let status = parts.sequence()?.expect(INTEGER)?.body;
    let status = status.iter().fold(0u64, |n, b| (n << 8) | u64::from(*b));
    Ok((status, parts.optional(SEQUENCE)?.map(|t| t.whole)))
}

/// Checks a token over something whose digest `content` gives.
pub(crate) fn check_token(
    token: &[u8],
    content: &dyn Fn(Digest) -> Option<Vec<u8>>,
    trust: &TrustStore,
    now: Timestamp,
) -> Stamp {
    read_token(token, content, trust, now).unwrap_or(Stamp {
        at: now,
        authority: None,
        verdict: Reason::Damaged.weight(),
        reasons: vec![Reason::Damaged],
    })
}

fn read_token(
    token: &[u8],
    content: &dyn Fn(Digest) -> Option<Vec<u8>>,
    trust: &TrustStore,
    now: Timestamp,
) -> Result<Stamp, Malformed> {
    let data = SignedData::read(token)?;
    let info_der = data.content.filter(|_| data.content_type == TST_INFO.as_bytes()).ok_or(Malformed)?;
    let info = TstInfo::read(info_der)?;
    let [signer] = data.signers.as_slice() else { return Err(Malformed) };
    let certificates = data.read_certificates(trust);
    let (certificate, mut reasons) =
        signer.check(Some(data.content_type), &|d| Some(d.of(info_der)), &certificates);
    match info.digest {
        None => reasons.push(Reason::AlgorithmUnknown),
        Some(digest) => {
            reasons.extend(digest.is_weak().then_some(Reason::WeakDigest));
            match content(digest) {
                None => reasons.push(Reason::ContentMissing),
                Some(actual) if actual != info.imprint => reasons.push(Reason::DigestMismatch),
                Some(_) => {}
            }
        }
    }
    if let Some(certificate) = &certificate {
        // a stamp is judged at the time it states: that is what makes it outlive its certificate
        let reference = TimeReference { at: info.at, kind: TimeKind::Timestamp };
        let judgement = trust.judge(certificate, &certificates, Purpose::Timestamp, reference, now);
        reasons.extend(judgement.reasons);
        if info.at > now + jiff::SignedDuration::from_mins(10) {
            reasons.push(Reason::ClaimedTimeLater);
        }
    }
    let authority = certificate.and_then(|c| c.subject.common_name.clone());
    Ok(Stamp { at: info.at, authority, verdict: heaviest(&reasons), reasons })
}

/// Checks a stamp on its own: a response (`.tsr`), a token (`.tst`) or stamped data (`.tsd`, RFC 5544). `stamped` is
/// the document it is about, where it is not inside. `None` when the bytes are none of these.
pub fn verify(
    bytes: &[u8],
    stamped: Option<&[u8]>,
    trust: &TrustStore,
    times: &Times,
) -> Option<Verification> {
    let der = asn1::to_der(bytes).ok()?;
    let mut out = Verification::new(Format::Timestamp, trust.label());
    let first = Reader(&der).sequence().ok()?.next().ok()?;
    if first.is(&TIMESTAMPED_DATA) {
        let (content, tokens) = read_stamped_data(&der).ok()?;
        let content = content.or(stamped);
        for token in tokens.iter().take(1) {
            out.timestamps.push(check_token(token, &|d| content.map(|c| d.of(c)), trust, times.now));
        }
        out.content = content.map(super::cades::describe);
    } else {
        let token = match first.tag {
            SEQUENCE => read_response(&der).ok()?.1?,
            _ => &der,
        };
        SignedData::read(token).ok().filter(|d| d.content_type == TST_INFO.as_bytes())?;
        out.timestamps.push(check_token(token, &|d| stamped.map(|c| d.of(c)), trust, times.now));
    }
    out.covers_whole = out.timestamps.iter().all(|t| !t.reasons.contains(&Reason::ContentMissing));
    if out.timestamps.is_empty() {
        out.reasons.push(Reason::Damaged);
    }
    Some(out.conclude())
}

/// Content and tokens of a TimeStampedData. Later tokens renew the first; the first is over the content.
fn read_stamped_data(der: &[u8]) -> Result<(Option<&[u8]>, Vec<&[u8]>), Malformed> {
    let mut info = Reader(der).sequence()?;
    info.next()?;
    let mut parts = info.expect(context(0))?.inside().sequence()?;
    parts.expect(INTEGER)?;
    parts.optional(0x16)?;
    parts.optional(SEQUENCE)?;
    let content = parts.optional(OCTET_STRING)?.map(|c| c.body);
    let evidence = parts.expect(context(0))?.inside().all()?;
    let tokens = evidence.iter().map(|e| e.inside().next().map(|t| t.whole)).collect::<Result<_, _>>()?;
    Ok((content, tokens))
}

/// A time-stamp authority of our own, for the demo and the tests.
pub struct Tsa {
    key: SealKey,
}

impl Tsa {
    /// An authority that signs with this key; its certificate must be for time stamps only.
    pub fn new(key: SealKey) -> Self {
        Self { key }
    }

    /// Answers a request as at the instant `at`; a request that cannot be read is refused as RFC 3161 says.
    ///
    /// # Errors
    /// When the key refuses to sign.
    pub fn respond(&self, request: &[u8], at: Timestamp) -> Result<Vec<u8>, SignatureError> {
        let Ok((imprint, nonce, certificates)) = read_request(request) else {
            // status 2 (rejection), failure badDataFormat (bit 5)
            let refusal = asn1::sequence(&[&asn1::unsigned(&[2]), &asn1::tlv(asn1::BIT_STRING, &[2, 0x04])]);
            return Ok(asn1::sequence(&[&refusal]));
        };
        let mut serial = [0; 16];
        openssl::rand::rand_bytes(&mut serial)?;
        let info = asn1::sequence(&[
            &asn1::unsigned(&[1]),
            &asn1::oid(&DEMO_POLICY),
            imprint,
            &asn1::unsigned(&serial),
            &asn1::generalized_time(at),
            &asn1::sequence(&[&asn1::unsigned(&[1])]),
            nonce.unwrap_or_default(),
        ]);
        let what = ToSign {
            content_type: &TST_INFO,
            digest: openssl::sha::sha256(&info),
            content: Some(&info),
            signing_time: Some(at),
            certificates,
        };
        let token = cms::sign(&self.key, &what, None)?;
        Ok(asn1::sequence(&[&asn1::sequence(&[&asn1::unsigned(&[0])]), &token]))
    }
}

/// Imprint, nonce (both as they stand) and whether the certificate is wanted.
fn read_request(der: &[u8]) -> Result<(&[u8], Option<&[u8]>, bool), Malformed> {
    let mut parts = Reader(der).sequence()?;
    parts.expect(INTEGER)?;
    let imprint = parts.expect(SEQUENCE)?;
    let mut inside = imprint.inside();
    let digest = Digest::by_oid(inside.sequence()?.next()?).filter(|d| !d.is_weak()).ok_or(Malformed)?;
    if inside.expect(OCTET_STRING)?.body.len() != digest.of(b"").len() {
        return Err(Malformed);
    }
    parts.optional(OID)?;
    let nonce = parts.optional(INTEGER)?.map(|n| n.whole);
    let wanted = parts.optional(BOOLEAN)?.is_some_and(|b| b.body != [0]);
    Ok((imprint.whole, nonce, wanted))
}
