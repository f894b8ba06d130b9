//! CAdES and time stamps: ours read by OpenSSL, OpenSSL's read by us, altered ones refused.

use super::common::*;
use documents::signature::report::TimeKind;
use documents::signature::test_ca::Holder;
use documents::signature::timestamp::{self, Tsa};
use documents::signature::{KeyKind, Reason, Times, TrustStore, Verdict, cades};
use proptest::prelude::*;

const TEXT: &[u8] = b"Si attesta che questa prova esiste.\r\n";

fn tsa() -> Tsa {
    Tsa::new(issue(Holder::TimestampUnit { name: "TSU di prova".into() }, KeyKind::P256).seal_key().unwrap())
}

#[test]
fn envelopes_of_both_kinds_of_key_verify_here_and_by_openssl() {
    let dir = folder("cades");
    for kind in [KeyKind::Rsa, KeyKind::P256] {
        let p7m = cades::sign_attached(&seal(kind), TEXT, at("2026-11-23T09:00:00Z"), None).unwrap();
        let found = cades::verify(&p7m, None, &trust(), &now()).unwrap();
        assert_eq!(found.verdict, Verdict::Valid, "{found:?}");
        let signer = &found.signers[0];
        assert_eq!(signer.organisation.as_deref(), Some("Comune di Prova"));
        assert_eq!(signer.tax_code.as_deref(), Some("01234567890"));
        assert_eq!(signer.time_reference, TimeKind::Now);
        assert_eq!(cades::content(&p7m).unwrap(), TEXT);
        let name = format!("{kind:?}.p7m");
        std::fs::write(dir.join(&name), &p7m).unwrap();
        let args = [
            "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", &name, "-CAfile", "ca.pem",
            "-purpose", "any", "-out", "out",
        ];
        if let Some((ok, text)) = foreign("openssl", &args, &dir) {
            assert!(ok, "{text}");
            assert_eq!(std::fs::read(dir.join("out")).unwrap(), TEXT);
        }
    }
}

#[test]
fn a_detached_pair_holds_together_only_with_its_own_document() {
    let p7s = cades::sign_detached(&person(), openssl::sha::sha256(TEXT), at("2026-11-23T09:00:00Z"), None)
        .unwrap();
    let found = cades::verify(&p7s, Some(TEXT), &trust(), &now()).unwrap();
    assert_eq!(found.verdict, Verdict::Valid);
    assert_eq!(found.signers[0].name.as_deref(), Some("Prova Uno"));
    assert_eq!(found.signers[0].tax_code.as_deref(), Some("PRVNUO80A01G999X"));
    let other = cades::verify(&p7s, Some(b"altro"), &trust(), &now()).unwrap();
    assert_eq!(other.verdict, Verdict::Invalid);
    assert!(other.signers[0].reasons.contains(&Reason::DigestMismatch));
    let alone = cades::verify(&p7s, None, &trust(), &now()).unwrap();
    assert_eq!(alone.verdict, Verdict::Indeterminate);
    assert!(alone.signers[0].reasons.contains(&Reason::ContentMissing));
}

#[test]
fn files_of_openssl_in_every_wrapping_are_read() {
    let dir = folder("openssl-cms");
    let issued = issue(Holder::person("Prova", "Due", "PRVDUE80A01G999X"), KeyKind::Rsa);
    std::fs::write(dir.join("key.pem"), issued.key_pem().unwrap()).unwrap();
    std::fs::write(dir.join("cert.pem"), issued.certificate_pem().unwrap()).unwrap();
    std::fs::write(dir.join("in"), TEXT).unwrap();
    let base = [
        "cms",
        "-sign",
        "-binary",
        "-nodetach",
        "-in",
        "in",
        "-signer",
        "cert.pem",
        "-inkey",
        "key.pem",
        "-cades",
        "-md",
        "sha256",
    ];
    // -stream writes BER of indefinite length
    for (form, extra) in [("DER", None), ("PEM", None), ("SMIME", None), ("DER", Some("-stream"))] {
        let mut args = base.to_vec();
        args.extend(["-outform", form, "-out", "out"]);
        args.extend(extra);
        let Some((ok, text)) = foreign("openssl", &args, &dir) else { return };
        assert!(ok, "{text}");
        let bytes = std::fs::read(dir.join("out")).unwrap();
        let found = cades::verify(&bytes, None, &trust(), &now())
            .unwrap_or_else(|| panic!("{form} {extra:?} not recognised"));
        // the root's clock starts in 2026 while OpenSSL signs at the machine's time: only integrity is compared
        assert!(found.is_intact(), "{form} {extra:?}: {found:?}");
        assert_eq!(cades::content(&bytes).unwrap(), TEXT, "{form} {extra:?}");
        use base64::Engine;
        if form == "DER" {
            let bare = base64::engine::general_purpose::STANDARD.encode(&bytes);
            assert!(cades::verify(bare.as_bytes(), None, &trust(), &now()).unwrap().is_intact());
        }
    }
}

#[test]
fn two_signers_added_by_openssl_are_both_reported() {
    let dir = folder("resign");
    let p7m = cades::sign_attached(&seal(KeyKind::Rsa), TEXT, at("2026-11-23T09:00:00Z"), None).unwrap();
    let issued = issue(Holder::person("Prova", "Tre", "PRVTRE80A01G999X"), KeyKind::P256);
    std::fs::write(dir.join("key.pem"), issued.key_pem().unwrap()).unwrap();
    std::fs::write(dir.join("cert.pem"), issued.certificate_pem().unwrap()).unwrap();
    std::fs::write(dir.join("one.p7m"), p7m).unwrap();
    let args = [
        "cms", "-resign", "-binary", "-inform", "DER", "-outform", "DER", "-in", "one.p7m", "-signer",
        "cert.pem", "-inkey", "key.pem", "-out", "two.p7m",
    ];
    let Some((ok, text)) = foreign("openssl", &args, &dir) else { return };
    assert!(ok, "{text}");
    let found = cades::verify(&std::fs::read(dir.join("two.p7m")).unwrap(), None, &trust(), &now()).unwrap();
    assert_eq!(found.signers.len(), 2);
    assert!(found.is_intact(), "{found:?}");
    let unbound = found.signers.iter().filter(|s| s.reasons.contains(&Reason::CertificateNotBound)).count();
    assert_eq!(unbound, 1, "the second was made without the CAdES attribute");
}

#[test]
fn strangers_are_reported_as_such() {
    let p7m = cades::sign_attached(&seal(KeyKind::P256), TEXT, at("2026-11-23T09:00:00Z"), None).unwrap();
    let nobody = cades::verify(&p7m, None, &TrustStore::empty(), &now()).unwrap();
    assert_eq!(nobody.verdict, Verdict::Indeterminate);
    assert!(nobody.is_intact() && nobody.signers[0].reasons.contains(&Reason::SignerNotChecked));
    let other = documents::signature::test_ca::TestCa::create("Altra CA", period()).unwrap();
    let mut trust = TrustStore::empty();
    trust.add_anchors_pem(&other.root_pem().unwrap()).unwrap();
    let wrong = cades::verify(&p7m, None, &trust, &now()).unwrap();
    assert!(wrong.signers[0].reasons.contains(&Reason::ChainNotTrusted));
}

#[test]
fn a_time_stamp_inside_outlives_the_certificate() {
    let short = at("2026-01-01T00:00:00Z")..at("2026-11-15T00:00:00Z");
    let key = ca()
        .issue(&Holder::person("Prova", "Uno", "PRVNUO80A01G999X"), KeyKind::Rsa, short)
        .unwrap()
        .seal_key()
        .unwrap();
    let signed = at("2026-11-10T09:00:00Z");
    let tsa = tsa();
    let mut stamper = timestamp::stamper(|question| tsa.respond(question, signed));
    let stamped = cades::sign_attached(&key, TEXT, signed, Some(&mut stamper)).unwrap();
    let found = cades::verify(&stamped, None, &trust(), &now()).unwrap();
    assert_eq!(found.verdict, Verdict::Valid, "{found:?}");
    assert_eq!((found.signers[0].at, found.signers[0].time_reference), (signed, TimeKind::Timestamp));
    assert!(found.signers[0].reasons.contains(&Reason::CertificateExpiredSince));

    let bare = cades::sign_attached(&key, TEXT, signed, None).unwrap();
    let found = cades::verify(&bare, None, &trust(), &now()).unwrap();
    assert_eq!(found.verdict, Verdict::Indeterminate);
    assert!(found.signers[0].reasons.contains(&Reason::CertificateExpired));
}

#[test]
fn register_scenario_10_expired_certificate_is_valid_at_the_pec_delivery() {
    let short = at("2026-01-01T00:00:00Z")..at("2026-11-15T00:00:00Z");
    let key = ca()
        .issue(&Holder::person("Prova", "Uno", "PRVNUO80A01G999X"), KeyKind::Rsa, short)
        .unwrap()
        .seal_key()
        .unwrap();
    let signed = cades::sign_attached(&key, TEXT, at("2026-11-10T09:00:00Z"), None).unwrap();
    let delivered = at("2026-11-12T10:00:00Z");
    let times = Times::now(at("2026-11-23T10:00:00Z")).proven(delivered, TimeKind::PecDelivery);
    let found = cades::verify(&signed, None, &trust(), &times).unwrap();
    assert_eq!(found.verdict, Verdict::Valid);
    assert_eq!((found.signers[0].at, found.signers[0].time_reference), (delivered, TimeKind::PecDelivery));
    let late =
        Times::now(at("2026-11-23T10:00:00Z")).proven(at("2026-11-16T10:00:00Z"), TimeKind::PecDelivery);
    assert_eq!(cades::verify(&signed, None, &trust(), &late).unwrap().verdict, Verdict::Indeterminate);
}

#[test]
fn revocation_counts_from_its_date() {
    let issued = issue(Holder::person("Prova", "Uno", "PRVNUO80A01G999X"), KeyKind::P256);
    let signed =
        cades::sign_attached(&issued.seal_key().unwrap(), TEXT, at("2026-11-10T09:00:00Z"), None).unwrap();
    let revoked = vec![(issued.certificate_der(), at("2026-11-11T00:00:00Z"))];
    let mut trust = trust();
    trust
        .add_crl(
            &ca().revocation_list(&revoked, at("2026-11-20T00:00:00Z"), at("2026-12-20T00:00:00Z")).unwrap(),
        )
        .unwrap();
    let judged = |times: &Times| cades::verify(&signed, None, &trust, times).unwrap();
    assert!(judged(&now()).signers[0].reasons.contains(&Reason::Revoked));
    assert_eq!(judged(&now()).verdict, Verdict::Invalid);
    let before = now().proven(at("2026-11-10T12:00:00Z"), TimeKind::Registration);
    assert!(judged(&before).signers[0].reasons.contains(&Reason::RevokedSince));
    assert_eq!(judged(&before).verdict, Verdict::Valid);
    assert!(trust.add_crl(b"niente").is_err());
}

#[test]
fn our_time_stamps_satisfy_openssl_ts() {
    let dir = folder("ts");
    std::fs::write(dir.join("data"), TEXT).unwrap();
    let Some((ok, text)) =
        foreign("openssl", &["ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "q"], &dir)
    else {
        return;
    };
    assert!(ok, "{text}");
    let tsa = tsa();
    // openssl checks the authority's certificate at the machine's time, so the stamp is of then too
    let answer = tsa.respond(&std::fs::read(dir.join("q")).unwrap(), at("2026-11-23T09:00:00Z")).unwrap();
    std::fs::write(dir.join("r"), &answer).unwrap();
    let (ok, text) =
        foreign("openssl", &["ts", "-verify", "-queryfile", "q", "-in", "r", "-CAfile", "ca.pem"], &dir)
            .unwrap();
    assert!(ok, "{text}");
    let found = timestamp::verify(&answer, Some(TEXT), &trust(), &now()).unwrap();
    assert_eq!(found.verdict, Verdict::Valid, "{found:?}");
    assert_eq!(found.timestamps[0].at, at("2026-11-23T09:00:00Z"));
    assert_eq!(
        timestamp::verify(&answer, Some(b"altro"), &trust(), &now()).unwrap().verdict,
        Verdict::Invalid
    );
    let refused = tsa.respond(b"garbage", at("2026-11-23T09:00:00Z")).unwrap();
    assert!(timestamp::token_of(&refused, &[0; 32], &[0; 16]).is_err());
}

#[test]
fn a_stamp_by_a_key_not_meant_for_it_proves_nothing() {
    let fake = Tsa::new(seal(KeyKind::P256));
    let mut stamper = timestamp::stamper(|question| fake.respond(question, at("2026-11-10T09:00:00Z")));
    let signed =
        cades::sign_attached(&person(), TEXT, at("2026-11-10T09:00:00Z"), Some(&mut stamper)).unwrap();
    let found = cades::verify(&signed, None, &trust(), &now()).unwrap();
    assert_eq!(found.signers[0].time_reference, TimeKind::Now);
    assert!(found.signers[0].reasons.contains(&Reason::TimestampNotAccepted));
    assert_eq!(found.verdict, Verdict::ValidWithWarnings);
}

#[test]
fn every_single_altered_byte_is_noticed() {
    let p7m = cades::sign_attached(&seal(KeyKind::P256), TEXT, at("2026-11-23T09:00:00Z"), None).unwrap();
    let trust = trust();
    let whole = cades::verify(&p7m, None, &trust, &now()).unwrap();
    for i in 0..p7m.len() {
        let mut bad = p7m.clone();
        bad[i] ^= 1;
        // a flipped bit may hit what nobody relies on (versions, the list of digests), but never change what is said
        let found = cades::verify(&bad, None, &trust, &now());
        let same = |v: &documents::signature::Verification| {
            v.content == whole.content
                && v.signers[0].claimed_at == whole.signers[0].claimed_at
                && v.signers[0].certificate == whole.signers[0].certificate
        };
        assert!(found.as_ref().is_none_or(|v| v.verdict != Verdict::Valid || same(v)), "byte {i}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn garbage_and_mutations_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), place in 0usize..1500, value in any::<u8>(), cut in 0usize..1500) {
        thread_local!(static SIGNED: Vec<u8> = cades::sign_attached(&seal(KeyKind::P256), TEXT, at("2026-11-23T09:00:00Z"), None).unwrap());
        let trust = TrustStore::empty();
        let _ = cades::verify(&bytes, None, &trust, &now());
        let _ = timestamp::verify(&bytes, None, &trust, &now());
        let mut bad = SIGNED.with(Clone::clone);
        let len = bad.len();
        bad[place % len] = value;
        let _ = cades::verify(&bad, None, &trust, &now());
        bad.truncate(cut % len);
        let _ = cades::verify(&bad, None, &trust, &now());
    }
}
