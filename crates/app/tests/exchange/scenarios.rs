//! Scenarios of the sheets on communications and on bodies: what proves a delivery, mail of citizens, bodies with
//! a product of their own.

use super::support::{BODY, OTHER};
use super::{PRATO_PEC, Pact, VERNIO_PEC, endpoint, hub, pec};
use app::Error;
use app::seals::{Material, install, seal_xml};
use app::use_cases::exchange::register_inbound::{Changes, register_inbound};
use app::use_cases::exchange::{Recipient, Sending, admit, desk, send, watch};
use app::workers::receive;
use channels::pec::{Submission, parse};
use channels::{Attachment, Channel as _, Letter, Outgoing, compose};
use documents::segnatura::{
    self, Class, ClassCode, Coded, Document, ExchangeMessage, Fingerprint, Header, Identifier, Segnatura,
    Subject,
};
use documents::signature::KeyKind;
use documents::signature::test_ca::Holder;
use domain::body::IpaCode;
use domain::message::{Channel, Event, ReceiptForm};
use sha2::{Digest, Sha256};

/// A letter with files, from one box of the sandbox to another.
fn letter(from: &str, to: &str, subject: &str, files: Vec<(&str, Vec<u8>)>) -> Letter {
    let attachment = |(name, bytes): (&str, Vec<u8>)| Attachment {
        name: name.into(),
        media_type: "application/octet-stream".into(),
        bytes,
    };
    Letter {
        message_id: format!("{}@prova.test", hex::encode(Sha256::digest(subject))),
        from_name: "Prova Uno".into(),
        from: from.into(),
        to: vec![to.into()],
        cc: vec![],
        subject: subject.into(),
        written_at: 1_795_424_400,
        answers: None,
        receipt: None,
        text: "In allegato.".into(),
        attachments: files.into_iter().map(attachment).collect(),
    }
}

async fn post(pact: &Pact, letter: &Letter) {
    let from = letter.from.clone();
    let road = Submission::new(&endpoint(&pact.sandbox, pact.sandbox.smtps.port(), &from)).unwrap();
    road.hand_over(&Outgoing { from, to: letter.to.clone(), raw: compose(letter) }).await.unwrap();
    pact.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn communications_scenario_01_proof() {
    let pact = Pact::new().await;
    pact.move_to("2026-11-23T16:58:04Z");
    let (_, sent) = pact.send(&[pec("ditta.prova@pec.altri.test", None)]).await;
    pact.settle().await;
    let ctx = pact.clerk(BODY);
    let opened = watch::open(&ctx, sent[0].clone()).await.unwrap();
    let at = "2026-11-23T16:58:04Z".parse().unwrap();
    assert_eq!((opened.sent_at, opened.received_at), (Some(at), Some(at)), "as the provider certifies");
    let mut certified = Vec::new();
    for fact in opened.facts.iter().filter(|one| one.evidence.is_some()) {
        assert_eq!(fact.verdict.as_deref(), Some("valid"), "{fact:?}");
        let raw = watch::proof(&ctx, sent[0].clone(), fact.evidence.as_ref().unwrap()).await.unwrap();
        certified.push((fact.fact.event, parse(&raw).unwrap().certified().unwrap().at));
    }
    let complete = Event::Delivered { form: Some(ReceiptForm::Complete) };
    assert_eq!(certified, [(Event::Accepted { external: false }, at), (complete, at)]);
    let delivered = opened.facts.iter().find(|one| one.fact.event == complete).unwrap();
    assert_eq!(delivered.note.as_deref(), Some(admit::FILES_MATCH), "the receipt carries what was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn communications_scenario_07_ordinary_mail_is_valid() {
    let pact = Pact::new().await;
    let citizen = "prova.uno@posta.test";
    let files = vec![("modulo-firmato.jpg", b"modulo".to_vec()), ("carta-identita.jpg", b"carta".to_vec())];
    post(&pact, &letter(citizen, PRATO_PEC, "Domanda firmata", files)).await;
    let waiting = pact.inbox(BODY).await;
    let found = &waiting[0].message;
    assert_eq!((found.sender_address.as_str(), found.legal_at), (citizen, None), "no certified proof");
    let clerk = pact.clerk(BODY);
    let opened = desk::open(&clerk, found.id.clone()).await.unwrap();
    assert_eq!(opened.ground, Some("c"), "shown as valid under letter c)");
    register_inbound(&clerk, &found.id, Changes::default()).await.unwrap();
    assert!(pact.inbox(BODY).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn communications_scenario_08_no_fax_no_double() {
    assert_eq!(Channel::parse("fax"), None, "there is no such road to choose");
    let pact = Pact::new().await;
    let outside = Recipient { body: Some(IpaCode::parse("m_it").unwrap()), ..hub(OTHER) };
    let entry = pact.send(&[hub(OTHER)]).await.0;
    let ctx = pact.clerk(BODY);
    let what = |recipients| Sending { registration: entry.clone(), text: String::new(), recipients };
    pact.outside("m_it", "Ministero di prova").await;
    let refused = send(&ctx, what(vec![outside])).await;
    let Err(Error::Refusal(refusal)) = refused else { panic!("{refused:?}") };
    let law = refusal.law.map(|law| law.0);
    assert_eq!((refusal.code, law), ("body-outside-hub", Some("D.Lgs. 82/2005, art. 47")));
    let doubled = send(&ctx, what(vec![hub(OTHER), pec(VERNIO_PEC, Some(OTHER))])).await;
    let Err(Error::Invalid(invalid)) = doubled else { panic!("{doubled:?}") };
    assert_eq!(
        (invalid.errors[0].pointer.as_str(), invalid.errors[0].code),
        ("/recipients/1/body", "body-twice")
    );
    let by_pec = Recipient { body: Some(IpaCode::parse("m_it").unwrap()), ..pec("uff@pec.m.test", None) };
    send(&ctx, what(vec![by_pec])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_scenario_08_external_body() {
    let mut pact = Pact::new().await;
    pact.exchange.automatic.insert(IpaCode::parse(BODY).unwrap());
    let (code, from) = (IpaCode::parse("m_it").unwrap(), "motorizzazione@pec.ministero.test");
    pact.outside("m_it", "Motorizzazione di prova").await;
    let valid = "2026-01-01T00:00:00Z".parse().unwrap().."2030-01-01T00:00:00Z".parse().unwrap();
    let issued = pact.authority.issue(&Holder::seal("m_it", "VATIT-1"), KeyKind::P256, valid).unwrap();
    let material = Material::pkcs12(&issued.pkcs12("prova").unwrap(), "prova");
    install(&pact.house.app.system_context(&code), code.clone(), material).await.unwrap();

    let document = b"Revisione straordinaria".to_vec();
    let xml = segnatura::write(&segnatura_of(&code, &document)).unwrap();
    let at = pact.house.app.clock.now().at;
    let sealed = seal_xml(&pact.house.app, &code, xml, at).await.unwrap();
    let files = vec![("nota.pdf", document), (segnatura::FILE_NAME, sealed.into_bytes())];
    post(&pact, &letter(from, PRATO_PEC, "Revisione", files)).await;
    assert_eq!(receive::register_by_rule(&pact.exchange).await.unwrap(), 1, "checked and registered");
    pact.settle().await;

    let arrived = pact.sandbox.provider.boxes().list(from, "INBOX").unwrap();
    let raws: Vec<Vec<u8>> = arrived.iter().map(|one| one.read().unwrap()).collect();
    let confirmed = raws.iter().find_map(|raw| {
        let mail = parse(raw).unwrap();
        ExchangeMessage::read(&mail.content.file("Conferma.xml")?.bytes).ok()
    });
    let Some(ExchangeMessage::Confirmation { own, .. }) = confirmed else { panic!("{confirmed:?}") };
    assert_eq!((own.administration.code.as_str(), own.number.as_str()), (BODY, "0000001"));
}

fn segnatura_of(code: &IpaCode, document: &[u8]) -> Segnatura {
    let id = Identifier {
        administration: Coded::named(code.as_str(), "Motorizzazione di prova"),
        aoo: Coded::new("AMOTORI"),
        register: Some("PG".into()),
        number: "0000077".into(),
        date: "2026-11-23".parse().unwrap(),
        time: None,
    };
    let class = Class { name: "Veicoli".into(), code: ClassCode::Flat("V.1".into()) };
    let fingerprint = Fingerprint { algorithm: "SHA-256".into(), bytes: Sha256::digest(document).to_vec() };
    let header = Header {
        id,
        first: None,
        subject: "Revisione straordinaria".into(),
        class: Some(class),
        dossier: None,
        confidential: None,
    };
    Segnatura {
        header,
        reference: None,
        sender: Subject::administration("Motorizzazione di prova", Coded::new(code.as_str())),
        recipients: vec![segnatura::Recipient {
            subject: Subject::administration("Comune di Prato", Coded::new(BODY)),
            confirm: true,
            for_information: false,
        }],
        primary: Document {
            file_name: "nota.pdf".into(),
            media_type: "application/pdf".into(),
            fingerprint: Some(fingerprint),
            ..Document::default()
        },
        attachments: Vec::new(),
    }
}
