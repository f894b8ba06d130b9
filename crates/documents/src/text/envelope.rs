//! What is inside a signed envelope (`.p7m`), once or several times.
//!
//! Signatures are not looked at: whether they hold is the business of
//! `signature`. OpenSSL opens the envelope because real ones come in BER, which
//! the strict DER reader refuses.

use openssl::cms::{CMSOptions, CmsContentInfo};

use super::{Sink, TextError, read as read_document};
use crate::inspect::media_type;

pub(super) fn read(bytes: &[u8], sink: &mut Sink, depth: u8) -> Result<(), TextError> {
    if depth == 0 {
        return Err(TextError::NotText);
    }
    let content = content(bytes).ok_or(TextError::Damaged)?;
    let kind = media_type(&content);
    // A zip says only by its entries what it is.
    let kind = if kind == "application/zip" { super::office::kind(&content) } else { kind };
    read_document(kind, &content, sink, depth - 1)
}

/// The bytes signed inside; `None` for a detached or broken envelope.
fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut envelope = open(bytes)?;
    let unchecked = CMSOptions::NO_SIGNER_CERT_VERIFY
        | CMSOptions::NO_ATTR_VERIFY
        | CMSOptions::NO_CONTENT_VERIFY
        | CMSOptions::NOVERIFY
        | CMSOptions::BINARY;
    let mut out = Vec::new();
    envelope.verify(None, None, None, Some(&mut out), unchecked).ok()?;
    (!out.is_empty()).then_some(out)
}

fn open(bytes: &[u8]) -> Option<CmsContentInfo> {
    if bytes.first() == Some(&0x30) {
        return CmsContentInfo::from_der(bytes).ok();
    }
    let text = std::str::from_utf8(bytes).ok()?;
    if text.starts_with("-----BEGIN") {
        let pem = text.replace("BEGIN PKCS7", "BEGIN CMS").replace("END PKCS7", "END CMS");
        return CmsContentInfo::from_pem(pem.as_bytes()).ok();
    }
    let compact: String = text.split_ascii_whitespace().collect();
    CmsContentInfo::from_der(&openssl::base64::decode_block(&compact).ok()?).ok()
}
