//! XAdES and trusted lists: ours read by xmlsec1 and signxml, the official samples, and the tricks XML invites.

use super::common::*;
use documents::signature::test_ca::Holder;
use documents::signature::trusted_list::TrustedList;
use documents::signature::{KeyKind, Qualification, Reason, TrustStore, Verdict, cades, xades};
use proptest::prelude::*;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- prova --><p:prova xmlns:p=\"urn:prova\" p:n=\"1\">\n <p:testo>Così è, &amp; basta</p:testo>\n</p:prova>\n";

fn sealed(kind: KeyKind) -> String {
    xades::sign_enveloped(XML, &seal(kind), at("2026-11-23T09:00:00Z")).unwrap()
}

#[test]
fn a_sealed_xml_is_valid_here_and_elsewhere() {
    let dir = folder("xades");
    for kind in [KeyKind::Rsa, KeyKind::P256] {
        let xml = sealed(kind);
        let found = xades::verify(xml.as_bytes(), &[], &trust(), &now()).unwrap();
        assert_eq!(found.verdict, Verdict::Valid, "{found:?}");
        assert!(found.covers_whole);
        assert_eq!(found.signers[0].claimed_at, Some(at("2026-11-23T09:00:00Z")));
        let name = format!("{kind:?}.xml");
        std::fs::write(dir.join(&name), &xml).unwrap();
        let args = ["--trust", "ca.pem", "--refs", "2", name.as_str()];
        if let Some((ok, text)) = shared_python("xades_check.py", &args, &dir) {
            assert!(ok, "{text}");
        }
        let args = ["--verify", "--trusted-pem", "ca.pem", "--id-attr:Id", "SignedProperties", name.as_str()];
        if let Some((ok, text)) = foreign("xmlsec1", &args, &dir) {
            assert!(ok, "{text}");
        }
    }
    assert!(xades::verify(XML.as_bytes(), &[], &trust(), &now()).is_none());
}

#[test]
fn the_official_segnatura_samples_are_told_apart() {
    let Some(ca) = shared("specs/pec/samples-synthetic/ca-di-prova.pem") else { return };
    let mut trust = TrustStore::empty();
    trust.add_anchors_pem(&std::fs::read(ca).unwrap()).unwrap();
    let check = |name: &str| {
        let file = shared(&format!("specs/protocollo/samples/{name}.xml")).unwrap();
        xades::verify(&std::fs::read(file).unwrap(), &[], &trust, &now()).unwrap()
    };
    let good = check("segnatura-valida-xades");
    assert!(good.is_intact() && good.covers_whole, "{good:?}");
    assert_eq!(good.signers[0].qualification, Qualification::NotQualified);
    assert_eq!(check("segnatura-firma-manomessa").verdict, Verdict::Invalid);
    assert_eq!(check("segnatura-non-valida-numero-corto").verdict, Verdict::Invalid);
}

#[test]
fn altered_and_moved_parts_are_refused() {
    let xml = sealed(KeyKind::P256);
    let judged = |xml: &str| xades::verify(xml.as_bytes(), &[], &trust(), &now()).unwrap();
    assert_eq!(judged(&xml.replace("basta", "Basta")).verdict, Verdict::Invalid);
    assert_eq!(judged(&xml.replace("2026-11-23T09", "2026-11-22T09")).verdict, Verdict::Invalid);
    // signature wrapping: the signed document becomes a part of another one
    let inner = xml.split_once("?>\n").unwrap().1;
    let wrapped = format!(
        "<altro xmlns:p=\"urn:prova\"><p:prova p:n=\"2\"/>{}</altro>",
        inner.trim_start_matches("<!-- prova -->")
    );
    assert_eq!(judged(&wrapped).verdict, Verdict::Invalid);
    // identifiers given twice
    let id = xml.split("Id=\"P-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let twice = xml.replace("p:n=\"1\"", &format!("p:n=\"1\" Id=\"P-{id}\""));
    assert_eq!(judged(&twice).reasons, [Reason::Damaged]);
    // entities are never looked at
    let hostile = xml.replace("?>\n", "?>\n<!DOCTYPE p [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n");
    assert_eq!(judged(&hostile).reasons, [Reason::Damaged]);
    // something outside is never fetched
    let outside = xml.replace("URI=\"\"", "URI=\"http://127.0.0.1:9/x\"");
    assert!(judged(&outside).signers[0].reasons.contains(&Reason::ExternalReference));
}

#[test]
fn signatures_of_xmlsec1_are_read_enveloped_enveloping_and_inclusive() {
    let dir = folder("xmlsec");
    let issued = issue(Holder::person("Prova", "Uno", "PRVNUO80A01G999X"), KeyKind::Rsa);
    std::fs::write(dir.join("key.pem"), issued.key_pem().unwrap()).unwrap();
    std::fs::write(dir.join("cert.pem"), issued.certificate_pem().unwrap()).unwrap();
    let template = |uri: &str, c14n: &str, transform: &str, object: &str| {
        format!(
            "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo><CanonicalizationMethod Algorithm=\"{c14n}\"/>\
             <SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><Reference URI=\"{uri}\"><Transforms>{transform}</Transforms>\
             <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><DigestValue/></Reference></SignedInfo><SignatureValue/>\
             <KeyInfo><X509Data/></KeyInfo>{object}</Signature>"
        )
    };
    let enveloped = "<Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    let xpath = "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><XPath xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">not(ancestor-or-self::ds:Signature)</XPath></Transform>";
    let wrap = |signature: &str| {
        format!("<a xmlns=\"urn:a\" xmlns:b=\"urn:b\"><b:c d=\"e\" b:f=\"g\"/><!-- x -->{signature}</a>")
    };
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let canonical = "<Transform Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/>";
    let cases = [
        wrap(&template("", inclusive, enveloped, "")),
        wrap(&template("", exclusive, xpath, "")),
        template("#o", inclusive, canonical, "<Object Id=\"o\"><z xmlns=\"urn:z\">dentro</z></Object>"),
    ];
    for (i, case) in cases.iter().enumerate() {
        std::fs::write(dir.join("in.xml"), case).unwrap();
        let args = [
            "--sign",
            "--privkey-pem",
            "key.pem,cert.pem",
            "--id-attr:Id",
            "Object",
            "--output",
            "out.xml",
            "in.xml",
        ];
        let Some((ok, text)) = foreign("xmlsec1", &args, &dir) else { return };
        assert!(ok, "{text}");
        let found =
            xades::verify(&std::fs::read(dir.join("out.xml")).unwrap(), &[], &trust(), &now()).unwrap();
        assert!(found.is_intact() && found.covers_whole, "{i}: {found:?}");
        assert!(
            found.signers[0].reasons.contains(&Reason::CertificateNotBound),
            "plain XML signatures bind nothing"
        );
    }
}

/// A small national list with one issuer, granted from `from`, sealed by `key`.
fn list(issuer: &[u8], from: &str, key: &documents::signature::SealKey) -> String {
    use base64::Engine;
    let certificate = base64::engine::general_purpose::STANDARD.encode(issuer);
    let xml = format!(
        "<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\"><SchemeInformation><TSLSequenceNumber>7</TSLSequenceNumber>\
         <SchemeTerritory>IT</SchemeTerritory><ListIssueDateTime>2026-11-01T00:00:00Z</ListIssueDateTime></SchemeInformation>\
         <TrustServiceProviderList><TrustServiceProvider><TSPServices><TSPService><ServiceInformation>\
         <ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/CA/QC</ServiceTypeIdentifier>\
         <ServiceDigitalIdentity><DigitalId><X509Certificate>{certificate}</X509Certificate></DigitalId></ServiceDigitalIdentity>\
         <ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted</ServiceStatus>\
         <StatusStartingTime>{from}</StatusStartingTime></ServiceInformation></TSPService></TSPServices></TrustServiceProvider>\
         </TrustServiceProviderList></TrustServiceStatusList>"
    );
    xades::sign_enveloped(&xml, key, at("2026-11-01T00:00:00Z")).unwrap()
}

#[test]
fn a_trusted_list_makes_signatures_qualified_from_the_day_of_the_grant() {
    let root = openssl::x509::X509::from_pem(&ca().root_pem().unwrap()).unwrap().to_der().unwrap();
    let scheme = seal(KeyKind::Rsa);
    let person = Holder::person("Prova", "Uno", "PRVNUO80A01G999X");
    let signed_by = |holder: &Holder| {
        let key = ca().issue_qualified(holder, KeyKind::P256, period()).unwrap().seal_key().unwrap();
        cades::sign_attached(&key, b"atto", at("2026-11-23T09:00:00Z"), None).unwrap()
    };
    let load = |from: &str| {
        let list = TrustedList::read(list(&root, from, &scheme).as_bytes(), None, now().now).unwrap();
        let mut trust = TrustStore::empty();
        assert_eq!(trust.add_trusted_list(&list), 1);
        trust
    };
    let granted = load("2020-01-01T00:00:00Z");
    assert_eq!(granted.label(), "IT 7 2026-11-01");
    let kind = |bytes: &[u8], trust: &TrustStore| {
        cades::verify(bytes, None, trust, &now()).unwrap().signers[0].clone()
    };
    assert_eq!(kind(&signed_by(&person), &granted).qualification, Qualification::QualifiedSignature);
    let body = Holder::seal("Comune di Prova", "VATIT-01234567890");
    assert_eq!(kind(&signed_by(&body), &granted).qualification, Qualification::QualifiedSeal);
    let plain =
        cades::sign_attached(&seal(KeyKind::P256), b"atto", at("2026-11-23T09:00:00Z"), None).unwrap();
    assert_eq!(kind(&plain, &granted).qualification, Qualification::NotQualified);
    let late = kind(&signed_by(&person), &load("2026-12-01T00:00:00Z"));
    assert!(late.reasons.contains(&Reason::ServiceNotGranted));
    assert_eq!(late.verdict, Verdict::Indeterminate);
}

#[test]
fn a_trusted_list_of_somebody_else_is_refused() {
    let root = openssl::x509::X509::from_pem(&ca().root_pem().unwrap()).unwrap().to_der().unwrap();
    let scheme = seal(KeyKind::Rsa);
    let text = list(&root, "2020-01-01T00:00:00Z", &scheme);
    let allowed = vec![scheme.certificate().der().to_vec()];
    assert!(TrustedList::read(text.as_bytes(), Some(&allowed), now().now).is_ok());
    assert!(TrustedList::read(text.as_bytes(), Some(std::slice::from_ref(&root)), now().now).is_err());
    assert!(TrustedList::read(text.replace("IT</", "FR</").as_bytes(), None, now().now).is_err());
    assert!(TrustedList::read(b"<TrustServiceStatusList/>", None, now().now).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn mutations_never_panic(edits in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..12), cut in any::<u32>()) {
        thread_local!(static SEALED: Vec<u8> = sealed(KeyKind::P256).into_bytes());
        let mut bad = SEALED.with(Clone::clone);
        let len = bad.len();
        for (place, value) in edits {
            bad[place as usize % len] = value;
        }
        let found = xades::verify(&bad, &[], &TrustStore::empty(), &now());
        prop_assert!(found.is_none_or(|v| v.verdict >= Verdict::Indeterminate));
        bad.truncate(cut as usize % len);
        let _ = xades::verify(&bad, &[], &TrustStore::empty(), &now());
    }
}
