//! Signed mail and the one door: the samples of certified mail, envelopes in envelopes.

use super::common::*;
use documents::signature::report::Format;
use documents::signature::{KeyKind, Reason, TrustStore, Verdict, cades, recognise_and_verify, smime};
use proptest::prelude::*;

#[test]
fn the_pec_samples_verify_and_the_tampered_one_does_not() {
    let Some(ca) = shared("specs/pec/samples-synthetic/ca-di-prova.pem") else { return };
    let mut trust = TrustStore::empty();
    trust.add_anchors_pem(&std::fs::read(&ca).unwrap()).unwrap();
    let mut signed = 0;
    let mut names: Vec<_> =
        std::fs::read_dir(ca.parent().unwrap()).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|p| p.extension().is_some_and(|e| e == "eml")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = std::fs::read(path).unwrap();
        let found = smime::verify(&bytes, &trust, &now());
        if name.starts_with("00") {
            assert!(found.is_none(), "{name} is not signed");
            continue;
        }
        let found = found.unwrap_or_else(|| panic!("{name} not recognised"));
        if name.contains("MANOMESSA") {
            assert_eq!(found.verdict, Verdict::Invalid, "{name}: {found:?}");
            continue;
        }
        assert_eq!(found.verdict, Verdict::Valid, "{name}: {found:?}");
        signed += 1;
        // a message of another sender under the same signature is not believed
        let other = String::from_utf8_lossy(&bytes).replacen("posta-certificata@", "altra-certificata@", 1);
        let found = smime::verify(other.as_bytes(), &trust, &now()).unwrap();
        assert!(found.signers[0].reasons.contains(&Reason::AddressDiffers), "{name}");
    }
    assert!(signed >= 13, "{signed} signed samples");
}

#[test]
fn real_messages_with_broken_signatures_are_not_believed() {
    let Some(dir) = shared("specs/pec/samples-real") else { return };
    for entry in std::fs::read_dir(dir).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = smime::verify(&bytes, &trust(), &now());
        assert!(found.is_none_or(|f| f.verdict >= Verdict::Indeterminate));
    }
}

#[test]
fn envelopes_in_envelopes_are_opened() {
    let inner = cades::sign_attached(&person(), b"testo", at("2026-11-23T09:00:00Z"), None).unwrap();
    let outer = cades::sign_attached(&seal(KeyKind::P256), &inner, at("2026-11-23T09:05:00Z"), None).unwrap();
    let found = recognise_and_verify(&outer, "atto.txt.p7m.p7m", &[], &trust(), &now()).unwrap();
    assert_eq!(found.verdict, Verdict::Valid);
    let nested = found.nested.unwrap();
    assert_eq!(nested.signers[0].name.as_deref(), Some("Prova Uno"));
    assert_eq!(nested.content.unwrap().size, 5);
    // what is inside counts too
    let mut broken = inner.clone();
    let last = broken.len() - 1;
    broken[last] ^= 1;
    let outer =
        cades::sign_attached(&seal(KeyKind::P256), &broken, at("2026-11-23T09:05:00Z"), None).unwrap();
    assert_eq!(
        recognise_and_verify(&outer, "atto.p7m.p7m", &[], &trust(), &now()).unwrap().verdict,
        Verdict::Invalid
    );
}

#[test]
fn detached_pairs_find_each_other_by_name() {
    let p7s =
        cades::sign_detached(&person(), openssl::sha::sha256(b"testo"), at("2026-11-23T09:00:00Z"), None)
            .unwrap();
    let beside: [(&str, &[u8]); 2] = [("altro.txt", b"altro"), ("atto.txt", b"testo")];
    let found = recognise_and_verify(&p7s, "atto.txt.p7s", &beside, &trust(), &now()).unwrap();
    assert_eq!((found.format, found.verdict), (Format::Cades, Verdict::Valid));
    assert!(recognise_and_verify(b"testo", "atto.txt", &beside, &trust(), &now()).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "(--|b|\r\n|\n|Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\n|MIIB|<a xmlns='http://www.w3.org/2000/09/xmldsig#'>|<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'>|%PDF-|/ByteRange|startxref){0,30}") {
        let trust = TrustStore::empty();
        let _ = recognise_and_verify(&bytes, "x", &[], &trust, &now());
        let _ = recognise_and_verify(text.as_bytes(), "x.p7m", &[("y", &bytes)], &trust, &now());
    }
}
