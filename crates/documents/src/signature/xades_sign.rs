//! Sealing an XML document: XAdES baseline B, enveloped (ETSI EN 319 132-1), as Annex 6 of the AgID guidelines wants
//! for the *segnatura di protocollo*.
//!
//! The signed parts are canonicalised as stand-alone fragments before they are put in place: with exclusive
//! canonicalisation that gives the same bytes as inside the document.

use super::SignatureError;
use super::asn1::{self, INTEGER, Reader, context};
use super::keys::{KeyKind, SealKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bergshamra_c14n::{C14nMode, canonicalize};
use jiff::Timestamp;

pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
pub(crate) const SIGNED_PROPERTIES: &str = "http://uri.etsi.org/01903#SignedProperties";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// Seals an XML text: the signature becomes the last child of the root element.
///
/// # Errors
/// [`SignatureError::Document`] when the text is not well-formed XML with a closing root tag or has a DTD; otherwise
/// when the key refuses.
pub fn sign_enveloped(xml: &str, key: &SealKey, at: Timestamp) -> Result<String, SignatureError> {
    let refused = |_| SignatureError::Document("the XML cannot be sealed");
    let document =
        uppsala::parser::Parser::new().with_forbid_dtd(true).parse(xml).map_err(|_| refused(()))?;
    let nodes = bergshamra_xml::NodeSet::all_without_comments(&document);
    let canonical =
        bergshamra_c14n::canonicalize_doc(&document, C14nMode::Exclusive, Some(&nodes), &[] as &[&str])
            .map_err(|_| refused(()))?;
    let end = xml.rfind("</").filter(|end| !xml[*end..].contains("-->")).ok_or_else(|| refused(()))?;

    let id = hex::encode(&openssl::sha::sha256(&canonical)[..8]);
    let properties = signed_properties(&id, key, at);
    let signed_info = signed_info(&id, key.kind(), &digest(&canonical), &digest(&exclusive(&properties)?));
    let signature = sign_value(key, &exclusive(&signed_info)?)?;
    let certificates: String = std::iter::once(key.certificate().der())
        .chain(key.chain().iter().map(Vec::as_slice))
        .map(|der| format!("<ds:X509Certificate>{}</ds:X509Certificate>", STANDARD.encode(der)))
        .collect();
    let block = format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\" Id=\"S-{id}\">{signed_info}<ds:SignatureValue>{}</ds:SignatureValue>\
         <ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>\
         <ds:Object><xades:QualifyingProperties xmlns:xades=\"{XADES}\" Target=\"#S-{id}\">{properties}\
         </xades:QualifyingProperties></ds:Object></ds:Signature>",
        STANDARD.encode(signature)
    );
    Ok(format!("{}{block}{}", &xml[..end], &xml[end..]))
}

/// Exclusive canonical form of a fragment that declares its own prefixes.
fn exclusive(fragment: &str) -> Result<Vec<u8>, SignatureError> {
    canonicalize(fragment, C14nMode::Exclusive, None, &[] as &[&str])
        .map_err(|_| SignatureError::Document("the XML cannot be sealed"))
}

fn digest(bytes: &[u8]) -> String {
    STANDARD.encode(openssl::sha::sha256(bytes))
}

fn signed_properties(id: &str, key: &SealKey, at: Timestamp) -> String {
    let certificate = key.certificate();
    let issuer = asn1::sequence(&[&asn1::tlv(context(4), &certificate.issuer.der)]);
    let issuer_serial = asn1::sequence(&[&issuer, &asn1::tlv(INTEGER, &certificate.serial)]);
    let time = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!(
        "<xades:SignedProperties xmlns:ds=\"{DSIG}\" xmlns:xades=\"{XADES}\" Id=\"P-{id}\"><xades:SignedSignatureProperties>\
         <xades:SigningTime>{time}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod><ds:DigestValue>{}</ds:DigestValue></xades:CertDigest>\
         <xades:IssuerSerialV2>{}</xades:IssuerSerialV2></xades:Cert></xades:SigningCertificateV2>\
         </xades:SignedSignatureProperties><xades:SignedDataObjectProperties>\
         <xades:DataObjectFormat ObjectReference=\"#R-{id}\"><xades:MimeType>application/xml</xades:MimeType>\
         </xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>",
        STANDARD.encode(certificate.fingerprint()),
        STANDARD.encode(issuer_serial),
    )
}

fn signed_info(id: &str, kind: KeyKind, document: &str, properties: &str) -> String {
    let method = match kind {
        KeyKind::Rsa => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        KeyKind::P256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    };
    format!(
        "<ds:SignedInfo xmlns:ds=\"{DSIG}\"><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
         <ds:Reference Id=\"R-{id}\" URI=\"\"><ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
         <ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod><ds:DigestValue>{document}</ds:DigestValue></ds:Reference>\
         <ds:Reference Type=\"{SIGNED_PROPERTIES}\" URI=\"#P-{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod><ds:DigestValue>{properties}</ds:DigestValue></ds:Reference>\
         </ds:SignedInfo>"
    )
}

/// The signature value as XML wants it: for ECDSA the two numbers side by side (RFC 4050).
fn sign_value(key: &SealKey, signed_info: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let value = key.sign_digest(&openssl::sha::sha256(signed_info))?;
    if key.kind() == KeyKind::Rsa {
        return Ok(value);
    }
    let broken = |_| SignatureError::Key("the key gave a damaged signature".into());
    let mut parts = Reader(&value).sequence().map_err(broken)?;
    let mut out = Vec::with_capacity(64);
    for _ in 0..2 {
        let number = parts.expect(INTEGER).map_err(broken)?.body;
        let digits = number.strip_prefix(&[0]).unwrap_or(number);
        out.resize(out.len() + 32usize.saturating_sub(digits.len()), 0);
        out.extend_from_slice(digits);
    }
    Ok(out)
}
