//! XAdES: signatures in XML, checked (ETSI EN 319 132-1, XML Signature 1.1).
//!
//! XML invites tricks, so the rules are strict: no DTD, no repeated identifiers, no transform beyond the few in real
//! use, nothing fetched from outside, and the answer says whether the signed part *is* the document or only a piece
//! of it. Enveloped, enveloping and detached signatures are read. Sealing is [`sign_enveloped`].

use super::algorithms::{Digest, Scheme, SignatureAlgorithm};
use super::asn1;
use super::certificate::Certificate;
use super::judge::{self, Facts};
use super::report::{Format, Reason, Signer, Stamp, Verification};
use super::timestamp;
use super::trust::{Purpose, Times, TrustStore};
pub use super::xades_sign::sign_enveloped;
use super::xades_sign::{DSIG, SIGNED_PROPERTIES, XADES};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::NodeSet;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use uppsala::{Document, NodeId};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const BASE64: &str = "http://www.w3.org/2000/09/xmldsig#base64";
const XPATH: &str = "http://www.w3.org/TR/1999/REC-xpath-19991116";
const XPATH_FILTER: &str = "http://www.w3.org/2002/06/xmldsig-filter2";
const MAX_SIGNATURES: usize = 20;
const MAX_REFERENCES: usize = 50;

/// A parsed document with its identifiers.
struct Xml<'a> {
    doc: Document<'a>,
    ids: HashMap<String, NodeId>,
}

/// What one reference turned out to cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Covers {
    /// The root element, but for signatures.
    Document,
    /// A part.
    Part(NodeId),
    /// A file beside.
    Beside,
}

/// Checks the XML signatures in `bytes`. `beside` are files that a detached signature may name, with their names.
/// `None` when there is no XML signature.
pub fn verify(
    bytes: &[u8],
    beside: &[(&str, &[u8])],
    trust: &TrustStore,
    times: &Times,
) -> Option<Verification> {
    let text = crate::xml::decode(bytes);
    if !text.contains(DSIG) || !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return None;
    }
    let damaged = || Some(Verification::of_reason(Format::Xades, trust.label(), Reason::Damaged));
    let parser = uppsala::parser::Parser::new().with_forbid_dtd(true);
    let Ok(doc) = parser.parse(text.trim_start_matches('\u{feff}')) else { return damaged() };
    let signatures = doc.get_elements_by_tag_name_ns(DSIG, "Signature");
    if signatures.is_empty() {
        return None;
    }
    let Some(ids) = collect_ids(&doc) else { return damaged() };
    let xml = Xml { doc, ids };
    let mut out = Verification::new(Format::Xades, trust.label());
    let mut whole = false;
    for signature in signatures.into_iter().filter(|s| !xml.is_countersignature(*s)).take(MAX_SIGNATURES) {
        let (signer, covers_document) = xml.signer(signature, beside, trust, times);
        whole |= covers_document;
        out.signers.push(signer);
    }
    out.covers_whole = whole;
    if !whole {
        out.reasons.push(Reason::PartlySigned);
    }
    Some(out.conclude())
}

/// Identifiers of elements; `None` when one is given twice, which nobody honest does.
fn collect_ids(doc: &Document<'_>) -> Option<HashMap<String, NodeId>> {
    let mut ids = HashMap::new();
    for node in doc.descendants(doc.root()) {
        let Some(element) = doc.element(node) else { continue };
        for attribute in &element.attributes {
            let named = matches!(attribute.name.local_name.as_ref(), "Id" | "ID" | "id");
            let plain = attribute
                .name
                .namespace_uri
                .as_deref()
                .is_none_or(|ns| ns == "http://www.w3.org/XML/1998/namespace");
            if named
                && plain
                && ids.insert(attribute.value.to_string(), node).is_some_and(|other| other != node)
            {
                return None;
            }
        }
    }
    Some(ids)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).ok()
}

impl<'a> Xml<'a> {
    fn child(&self, node: NodeId, ns: &str, name: &str) -> Option<NodeId> {
        let mut found = self.children(node, ns, name);
        let first = found.next()?;
        // these elements appear once; a second one is a trick
        found.next().is_none().then_some(first)
    }

    fn children(&self, node: NodeId, ns: &'a str, name: &'a str) -> impl Iterator<Item = NodeId> {
        self.doc.child_elements_by_name_ns(node, ns, name).into_iter()
    }

    fn path(&self, node: NodeId, path: &[(&'static str, &'static str)]) -> Option<NodeId> {
        path.iter().try_fold(node, |at, (ns, name)| self.child(at, ns, name))
    }

    fn text(&self, node: NodeId) -> String {
        self.doc.text_content_deep(node)
    }

    fn algorithm(&self, node: NodeId, name: &'static str) -> Option<String> {
        let method = self.child(node, DSIG, name)?;
        self.doc.get_attribute(method, "Algorithm").map(str::to_owned)
    }

    fn is_inside(&self, node: NodeId, ancestor: NodeId) -> bool {
        self.doc.ancestors(node).contains(&ancestor)
    }

    fn is_countersignature(&self, signature: NodeId) -> bool {
        let parent = self.doc.parent(signature).and_then(|p| self.doc.element(p));
        parent.is_some_and(|p| p.matches_name_ns(XADES, "CounterSignature"))
    }

    /// Checks one signature; also says whether it covers the document.
    fn signer(
        &self,
        signature: NodeId,
        beside: &[(&str, &[u8])],
        trust: &TrustStore,
        times: &Times,
    ) -> (Signer, bool) {
        let mut found = Vec::new();
        let certificates = self.certificates(signature, trust);
        let properties = self.path(
            signature,
            &[(DSIG, "Object"), (XADES, "QualifyingProperties"), (XADES, "SignedProperties")],
        );
        let properties = properties.or_else(|| self.qualifying_object(signature));
        let certificate = self.bound_certificate(properties, &certificates, &mut found);
        let mut covered = Vec::new();
        match self.child(signature, DSIG, "SignedInfo") {
            None => found.push(Reason::Damaged),
            Some(info) => {
                self.check_value(signature, info, certificate.as_deref(), &mut found);
                covered = self.check_references(signature, info, properties, beside, &mut found);
            }
        }
        let root_is_signature = self.doc.document_element() == Some(signature);
        let covers = covered.iter().any(|c| match c {
            Covers::Document | Covers::Beside => true,
            Covers::Part(node) => root_is_signature && self.is_inside(*node, signature),
        });
        let claimed_at = properties
            .and_then(|p| self.claimed_time(p))
            .filter(|_| !found.contains(&Reason::CertificateNotBound));
        let stamps = self.stamps(signature, trust, times.now);
        let facts = Facts {
            certificate,
            others: &certificates,
            found,
            claimed_at,
            stamps,
            purpose: Purpose::Document,
        };
        (judge::signer(facts, trust, times), covers)
    }

    /// The signed properties when the signature holds several `Object` elements.
    fn qualifying_object(&self, signature: NodeId) -> Option<NodeId> {
        let inside = [(XADES, "QualifyingProperties"), (XADES, "SignedProperties")];
        self.children(signature, DSIG, "Object").find_map(|object| self.path(object, &inside))
    }

    fn certificates(&self, signature: NodeId, trust: &TrustStore) -> Vec<Arc<Certificate>> {
        let Some(data) = self.path(signature, &[(DSIG, "KeyInfo")]) else { return Vec::new() };
        let lists = self.children(data, DSIG, "X509Data");
        let all = lists.flat_map(|d| self.children(d, DSIG, "X509Certificate").collect::<Vec<_>>());
        all.take(32).filter_map(|c| trust.certificate(&decode(&self.text(c))?).ok()).collect()
    }

    /// The certificate that the signed properties bind; without such a binding, the first one.
    fn bound_certificate(
        &self,
        properties: Option<NodeId>,
        certificates: &[Arc<Certificate>],
        found: &mut Vec<Reason>,
    ) -> Option<Arc<Certificate>> {
        if certificates.is_empty() {
            found.push(Reason::CertificateMissing);
            return None;
        }
        let signed = properties.and_then(|p| self.child(p, XADES, "SignedSignatureProperties"));
        let list = signed.and_then(|s| {
            self.child(s, XADES, "SigningCertificateV2")
                .or_else(|| self.child(s, XADES, "SigningCertificate"))
        });
        let first = list
            .and_then(|l| self.children(l, XADES, "Cert").next())
            .and_then(|c| self.child(c, XADES, "CertDigest"));
        let Some(cert_digest) = first else {
            found.push(Reason::CertificateNotBound);
            return certificates.first().cloned();
        };
        let digest = self.algorithm(cert_digest, "DigestMethod").and_then(|a| Digest::by_uri(&a));
        let value = self.child(cert_digest, DSIG, "DigestValue").and_then(|v| decode(&self.text(v)));
        let (Some(digest), Some(value)) = (digest, value) else {
            found.push(Reason::AlgorithmUnknown);
            return certificates.first().cloned();
        };
        let bound = certificates.iter().find(|c| digest.of(&c.der) == value).cloned();
        if bound.is_none() {
            found.push(Reason::CertificateMismatch);
        }
        bound.or_else(|| certificates.first().cloned())
    }

    /// The signature value over SignedInfo.
    fn check_value(
        &self,
        signature: NodeId,
        info: NodeId,
        certificate: Option<&Certificate>,
        found: &mut Vec<Reason>,
    ) {
        let algorithm = self.algorithm(info, "SignatureMethod").and_then(|a| SignatureAlgorithm::by_uri(&a));
        let method = self.child(info, DSIG, "CanonicalizationMethod");
        let canonical =
            method.and_then(|m| self.canonical(m, &NodeSet::tree_with_comments(info, &self.doc), Some(info)));
        let Some((algorithm, digest)) = algorithm.and_then(|a| a.digest.map(|d| (a, d))) else {
            found.push(Reason::AlgorithmUnknown);
            return;
        };
        let Some(canonical) = canonical else {
            found.push(Reason::AlgorithmUnknown);
            return;
        };
        if digest.is_weak() {
            found.push(Reason::WeakDigest);
        }
        let value = self
            .child(signature, DSIG, "SignatureValue")
            .and_then(|v| decode(&self.text(v)))
            .unwrap_or_default();
        let value = if algorithm.scheme == Scheme::Ecdsa { ecdsa_der(&value) } else { value };
        if certificate.is_some_and(|c| !algorithm.verify(&c.key, digest, &digest.of(&canonical), &value)) {
            found.push(Reason::SignatureBroken);
        }
    }

    /// Canonicalises nodes by the method that `method` names; `subtree` restricts to an element without comments when
    /// the mode wants none.
    fn canonical(&self, method: NodeId, nodes: &NodeSet, subtree: Option<NodeId>) -> Option<Vec<u8>> {
        let mode = C14nMode::from_uri(self.doc.get_attribute(method, "Algorithm")?)?;
        let prefixes = self.doc.first_child_element_by_name_ns(
            method,
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            "InclusiveNamespaces",
        );
        let prefixes = prefixes.and_then(|p| self.doc.get_attribute(p, "PrefixList")).unwrap_or_default();
        let prefixes: Vec<&str> =
            prefixes.split_whitespace().map(|p| if p == "#default" { "" } else { p }).collect();
        let without =
            subtree.filter(|_| !mode.with_comments()).map(|s| NodeSet::tree_without_comments(s, &self.doc));
        canonicalize_doc(&self.doc, mode, Some(without.as_ref().unwrap_or(nodes)), &prefixes).ok()
    }

    fn check_references(
        &self,
        signature: NodeId,
        info: NodeId,
        properties: Option<NodeId>,
        beside: &[(&str, &[u8])],
        found: &mut Vec<Reason>,
    ) -> Vec<Covers> {
        let references: Vec<NodeId> = self.children(info, DSIG, "Reference").collect();
        if references.is_empty() || references.len() > MAX_REFERENCES {
            found.push(Reason::Damaged);
            return Vec::new();
        }
        let mut covered = Vec::new();
        let mut properties_signed = false;
        for reference in references {
            match self.check_reference(signature, reference, beside) {
                Err(reason) => found.push(reason),
                Ok(Covers::Part(node)) if Some(node) == properties => properties_signed = true,
                Ok(covers) => {
                    // a reference that says it is about signed properties must be about this signature's own
                    if self.doc.get_attribute(reference, "Type") == Some(SIGNED_PROPERTIES) {
                        found.push(Reason::Damaged);
                    }
                    covered.push(covers);
                }
            }
        }
        if !properties_signed {
            found.push(Reason::CertificateNotBound);
        }
        covered
    }

    /// Checks one reference and says what it covers.
    fn check_reference(
        &self,
        signature: NodeId,
        reference: NodeId,
        beside: &[(&str, &[u8])],
    ) -> Result<Covers, Reason> {
        let digest = self
            .algorithm(reference, "DigestMethod")
            .and_then(|a| Digest::by_uri(&a))
            .ok_or(Reason::AlgorithmUnknown)?;
        let stated = self
            .child(reference, DSIG, "DigestValue")
            .and_then(|v| decode(&self.text(v)))
            .ok_or(Reason::Damaged)?;
        let uri = self.doc.get_attribute(reference, "URI").ok_or(Reason::ExternalReference)?;
        let (bytes, covers) = match uri.strip_prefix('#') {
            _ if uri.is_empty() => {
                let all = NodeSet::all_without_comments(&self.doc);
                (self.transformed(signature, reference, all, None)?, Covers::Document)
            }
            Some(id) => {
                let node = *self.ids.get(id).ok_or(Reason::Damaged)?;
                let nodes = NodeSet::tree_without_comments(node, &self.doc);
                let is_root = self.doc.document_element() == Some(node) && node != signature;
                (
                    self.transformed(signature, reference, nodes, Some(node))?,
                    if is_root { Covers::Document } else { Covers::Part(node) },
                )
            }
            None => {
                let name = uri.rsplit('/').next().unwrap_or(uri);
                let (_, content) =
                    beside.iter().find(|(n, _)| *n == uri || *n == name).ok_or(Reason::ExternalReference)?;
                if self.child(reference, DSIG, "Transforms").is_some() {
                    return Err(Reason::AlgorithmUnknown);
                }
                (content.to_vec(), Covers::Beside)
            }
        };
        if digest.of(&bytes) != stated {
            return Err(Reason::DigestMismatch);
        }
        if digest.is_weak() { Err(Reason::WeakDigest) } else { Ok(covers) }
    }

    /// Applies the transforms of a reference. Only those in real use are known.
    fn transformed(
        &self,
        signature: NodeId,
        reference: NodeId,
        mut nodes: NodeSet,
        subtree: Option<NodeId>,
    ) -> Result<Vec<u8>, Reason> {
        let list = self.child(reference, DSIG, "Transforms");
        let transforms: Vec<NodeId> =
            list.map(|l| self.children(l, DSIG, "Transform").collect()).unwrap_or_default();
        if transforms.len() > 6 {
            return Err(Reason::Damaged);
        }
        for (i, transform) in transforms.iter().enumerate() {
            let last = i + 1 == transforms.len();
            match self.doc.get_attribute(*transform, "Algorithm").ok_or(Reason::Damaged)? {
                ENVELOPED => nodes = nodes.subtract(&NodeSet::tree_with_comments(signature, &self.doc)),
                XPATH | XPATH_FILTER if self.removes_signatures(*transform) => {
                    for other in self.doc.get_elements_by_tag_name_ns(DSIG, "Signature") {
                        nodes = nodes.subtract(&NodeSet::tree_with_comments(other, &self.doc));
                    }
                }
                BASE64 if last => {
                    let node = subtree.ok_or(Reason::AlgorithmUnknown)?;
                    return decode(&self.text(node)).ok_or(Reason::Damaged);
                }
                _ if last => return self.canonical(*transform, &nodes, None).ok_or(Reason::AlgorithmUnknown),
                _ => return Err(Reason::AlgorithmUnknown),
            }
        }
        // XML Signature 1.1, 4.4.3.2: nodes left over at the end are canonicalised inclusively
        canonicalize_doc(&self.doc, C14nMode::Inclusive, Some(&nodes), &[] as &[&str])
            .map_err(|_| Reason::Damaged)
    }

    /// Whether an XPath transform is one of the two that signing programs use to leave all signatures out.
    fn removes_signatures(&self, transform: NodeId) -> bool {
        let expression: String = self.text(transform).split_whitespace().collect();
        let known = [
            "not(ancestor-or-self::ds:Signature)",
            "not(ancestor-or-self::dsig:Signature)",
            "/descendant::ds:Signature",
            "/descendant::dsig:Signature",
            "//ds:Signature",
        ];
        let inner = self.doc.child_elements_by_name_ns(transform, XPATH_FILTER, "XPath");
        let subtracts = inner.iter().all(|x| self.doc.get_attribute(*x, "Filter") == Some("subtract"));
        let is_filter = self.doc.get_attribute(transform, "Algorithm") == Some(XPATH_FILTER);
        known.contains(&expression.as_str()) && subtracts && is_filter != expression.starts_with("not(")
    }

    fn claimed_time(&self, properties: NodeId) -> Option<Timestamp> {
        let node = self.path(properties, &[(XADES, "SignedSignatureProperties"), (XADES, "SigningTime")])?;
        self.text(node).trim().parse().ok()
    }

    /// Time stamps over the signature value.
    fn stamps(&self, signature: NodeId, trust: &TrustStore, now: Timestamp) -> Vec<Stamp> {
        let Some(value) = self.child(signature, DSIG, "SignatureValue") else { return Vec::new() };
        let unsigned = [(XADES, "UnsignedProperties"), (XADES, "UnsignedSignatureProperties")];
        let holders = self
            .children(signature, DSIG, "Object")
            .filter_map(|o| self.child(o, XADES, "QualifyingProperties"));
        let lists = holders.filter_map(|q| self.path(q, &unsigned));
        let stamps = lists.flat_map(|l| self.children(l, XADES, "SignatureTimeStamp").collect::<Vec<_>>());
        let nodes = NodeSet::tree_without_comments(value, &self.doc);
        stamps
            .take(8)
            .map(|stamp| {
                let canonical = match self.child(stamp, DSIG, "CanonicalizationMethod") {
                    Some(method) => self.canonical(method, &nodes, None),
                    None => {
                        canonicalize_doc(&self.doc, C14nMode::Inclusive, Some(&nodes), &[] as &[&str]).ok()
                    }
                };
                let token = self
                    .child(stamp, XADES, "EncapsulatedTimeStamp")
                    .and_then(|t| decode(&self.text(t)))
                    .unwrap_or_default();
                let token = asn1::to_der(&token).unwrap_or_default();
                timestamp::check_token(&token, &|d| canonical.as_ref().map(|c| d.of(c)), trust, now)
            })
            .collect()
    }
}

/// The DER form of an ECDSA value given as two numbers side by side.
fn ecdsa_der(value: &[u8]) -> Vec<u8> {
    let (r, s) = value.split_at(value.len() / 2);
    asn1::sequence(&[&asn1::unsigned(r), &asn1::unsigned(s)])
}
