//! European trusted lists (ETSI TS 119 612): which services were granted, when, with which certificates.
//!
//! Lists are read from files; an operator downloads them. Each is itself signed: a list whose signature does not
//! hold is refused, and with the list of lists at hand the signer must be one that it names.

use super::SignatureError;
use super::trust::{Service, ServiceKind, Times, TrustStore};
use super::xades;
use base64::Engine;
use jiff::Timestamp;
use uppsala::{Document, NodeId};

const TSL: &str = "http://uri.etsi.org/02231/v2#";
const STATUS: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/";
const KIND: &str = "http://uri.etsi.org/TrstSvc/Svctype/";

/// A pointer of the list of lists: a territory and the certificates (DER) that may sign its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// Territory, e.g. `IT`.
    pub territory: String,
    /// Who may sign.
    pub signers: Vec<Vec<u8>>,
}

/// A list, its signature checked.
#[derive(Debug, Clone)]
pub struct TrustedList {
    /// Territory, e.g. `IT`; `EU` for the list of lists.
    pub territory: String,
    /// Sequence number.
    pub sequence: u64,
    /// When it was issued.
    pub issued: Option<Timestamp>,
    /// When it is due to be replaced.
    pub next_update: Option<Timestamp>,
    /// Pointers to other lists.
    pub pointers: Vec<Pointer>,
    services: Vec<(Vec<u8>, Vec<Service>)>,
}

fn refused(why: &'static str) -> SignatureError {
    SignatureError::Trust(why)
}

impl TrustedList {
    /// Reads a list and checks its signature. `signers` are the certificates (DER) allowed to sign it, from the list
    /// of lists; `None` accepts any, which is right only for a file whose origin the operator vouches for.
    ///
    /// # Errors
    /// [`SignatureError::Trust`] when it is not a list, its signature is broken, or the signer is another.
    pub fn read(bytes: &[u8], signers: Option<&[Vec<u8>]>, now: Timestamp) -> Result<Self, SignatureError> {
        let checked = xades::verify(bytes, &[], &TrustStore::empty(), &Times::now(now))
            .ok_or_else(|| refused("the list is not signed"))?;
        if !checked.covers_whole || !checked.is_intact() {
            return Err(refused("the signature of the list is broken"));
        }
        if let Some(allowed) = signers {
            let known =
                |sha256: &str| allowed.iter().any(|der| hex::encode(openssl::sha::sha256(der)) == sha256);
            let by = checked.signers.iter().filter_map(|s| s.certificate.as_ref());
            if !by.into_iter().any(|c| known(&c.sha256)) {
                return Err(refused("the list is signed by somebody else"));
            }
        }
        let text = crate::xml::decode(bytes);
        let parser = uppsala::parser::Parser::new().with_forbid_dtd(true);
        let doc =
            parser.parse(text.trim_start_matches('\u{feff}')).map_err(|_| refused("the list is not XML"))?;
        let root = doc
            .document_element()
            .filter(|r| doc.element(*r).is_some_and(|e| e.matches_name_ns(TSL, "TrustServiceStatusList")));
        Ok(Reader { doc: &doc }.list(root.ok_or_else(|| refused("not a trusted list"))?))
    }

    /// Who may sign the list of a territory.
    pub fn signers_of(&self, territory: &str) -> Vec<Vec<u8>> {
        let here = self.pointers.iter().filter(|p| p.territory == territory);
        here.flat_map(|p| p.signers.iter().cloned()).collect()
    }
}

impl TrustStore {
    /// Trusts the services of a list. Returns how many certificates were added.
    pub fn add_trusted_list(&mut self, list: &TrustedList) -> usize {
        let added = list
            .services
            .iter()
            .filter(|(der, services)| self.add_anchor(der, Some(services.clone())).is_ok())
            .count();
        let issued = list.issued.map(|at| at.strftime(" %Y-%m-%d").to_string()).unwrap_or_default();
        self.note(&format!("{} {}{issued}", list.territory, list.sequence));
        added
    }
}

struct Reader<'d, 'a> {
    doc: &'d Document<'a>,
}

impl Reader<'_, '_> {
    fn child(&self, node: NodeId, name: &str) -> Option<NodeId> {
        self.doc.first_child_element_by_name_ns(node, TSL, name)
    }

    fn children(&self, node: NodeId, name: &str) -> Vec<NodeId> {
        self.doc.child_elements_by_name_ns(node, TSL, name)
    }

    fn text(&self, node: NodeId, name: &str) -> Option<String> {
        self.child(node, name).map(|n| self.doc.text_content_deep(n).trim().to_owned())
    }

    fn time(&self, node: NodeId, name: &str) -> Option<Timestamp> {
        self.text(node, name)?.parse().ok()
    }

    fn list(&self, root: NodeId) -> TrustedList {
        let scheme = self.child(root, "SchemeInformation").unwrap_or(root);
        let next = self.child(scheme, "NextUpdate").and_then(|n| self.time(n, "dateTime"));
        let pointers = self
            .child(scheme, "PointersToOtherTSL")
            .map(|p| self.children(p, "OtherTSLPointer"))
            .unwrap_or_default();
        let providers = self
            .child(root, "TrustServiceProviderList")
            .map(|p| self.children(p, "TrustServiceProvider"))
            .unwrap_or_default();
        let lists = providers.into_iter().filter_map(|p| self.child(p, "TSPServices"));
        let services = lists.flat_map(|s| self.children(s, "TSPService"));
        TrustedList {
            territory: self.text(scheme, "SchemeTerritory").unwrap_or_default(),
            sequence: self.text(scheme, "TSLSequenceNumber").and_then(|n| n.parse().ok()).unwrap_or(0),
            issued: self.time(scheme, "ListIssueDateTime"),
            next_update: next,
            pointers: pointers.into_iter().map(|p| self.pointer(p)).collect(),
            services: services.flat_map(|s| self.service(s)).collect(),
        }
    }

    fn pointer(&self, pointer: NodeId) -> Pointer {
        let identities = self
            .child(pointer, "ServiceDigitalIdentities")
            .map(|i| self.children(i, "ServiceDigitalIdentity"))
            .unwrap_or_default();
        let territories = self
            .doc
            .descendants(pointer)
            .into_iter()
            .filter(|n| self.doc.element(*n).is_some_and(|e| e.matches_name_ns(TSL, "SchemeTerritory")));
        Pointer {
            territory: territories
                .map(|n| self.doc.text_content_deep(n).trim().to_owned())
                .next()
                .unwrap_or_default(),
            signers: identities.into_iter().flat_map(|i| self.certificates(i)).collect(),
        }
    }

    /// The certificates of a digital identity.
    fn certificates(&self, identity: NodeId) -> Vec<Vec<u8>> {
        let ids = self
            .children(identity, "DigitalId")
            .into_iter()
            .filter_map(|id| self.text(id, "X509Certificate"));
        ids.filter_map(|text| {
            let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
            base64::engine::general_purpose::STANDARD.decode(compact).ok()
        })
        .collect()
    }

    /// One service with its history, as periods, for each of its certificates.
    fn service(&self, service: NodeId) -> Vec<(Vec<u8>, Vec<Service>)> {
        let Some(current) = self.child(service, "ServiceInformation") else { return Vec::new() };
        let past = self
            .child(service, "ServiceHistory")
            .map(|h| self.children(h, "ServiceHistoryInstance"))
            .unwrap_or_default();
        let mut periods: Vec<Service> =
            std::iter::once(current).chain(past).filter_map(|n| self.period(n)).collect();
        periods.sort_by_key(|p| std::cmp::Reverse(p.from));
        let starts: Vec<Timestamp> = periods.iter().map(|p| p.from).collect();
        for (period, later) in periods.iter_mut().skip(1).zip(starts) {
            period.until = Some(later);
        }
        let identity = self.child(current, "ServiceDigitalIdentity");
        let certificates = identity.map(|i| self.certificates(i)).unwrap_or_default();
        certificates.into_iter().map(|der| (der, periods.clone())).collect()
    }

    fn period(&self, information: NodeId) -> Option<Service> {
        let kind = self.text(information, "ServiceTypeIdentifier")?;
        let status = self.text(information, "ServiceStatus")?;
        let kind = match kind.strip_prefix(KIND) {
            Some("CA/QC") => ServiceKind::QualifiedCertificates,
            Some("TSA/QTST") => ServiceKind::QualifiedTimestamps,
            _ => ServiceKind::Other,
        };
        // "granted" since eIDAS; the others are the names that the status had under the directive of 1999
        let granted = ["granted", "undersupervision", "supervisionincessation", "accredited"];
        let granted = status.rsplit('/').next().is_some_and(|word| granted.contains(&word))
            && (status.starts_with(STATUS) || status.contains("/Svcstatus/"));
        Some(Service { kind, granted, from: self.time(information, "StatusStartingTime")?, until: None })
    }
}
