//! The segnatura against the official schemas and samples, the traps listed in
//! their FACTS sheet, and round trips of invented messages.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn specs() -> Option<PathBuf> {
    let shared = std::env::var("TELAIO_SHARED")
        .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let specs = shared.join("specs");
    if !specs.exists() {
        println!("skipped: shared/ absent");
        return None;
    }
    Some(specs)
}

fn sample(name: &str) -> Option<Vec<u8>> {
    let path = specs()?.join("protocollo/samples").join(name);
    Some(std::fs::read(path).unwrap())
}

/// Faults that the official schema finds, signature apart.
fn faults(schema: &str, xml: &str) -> Option<Vec<String>> {
    let dir = specs()?.join("protocollo");
    let schema = std::fs::read_to_string(dir.join(schema)).unwrap();
    let schema = uppsala::parse(&schema).unwrap();
    let validator = uppsala::XsdValidator::from_schema_with_base_path(&schema, Some(&dir)).unwrap();
    let document = uppsala::parse(xml).unwrap();
    Some(validator.validate(&document).iter().map(ToString::to_string).collect())
}

fn identifier(number: &str) -> Identifier {
    Identifier {
        administration: Coded::named("c_f572", "Comune di Prova"),
        aoo: Coded::new("AF572AA"),
        register: Some("PG".to_owned()),
        number: number.to_owned(),
        date: "2026-11-23".parse().unwrap(),
        time: Some("09:15:30".parse().unwrap()),
    }
}

fn person() -> Person {
    Person {
        name: "Prova".to_owned(),
        surname: "Uno".to_owned(),
        title: Some("Dott.".to_owned()),
        tax_code: Some("NUORPV80A01G9LMX".to_owned()),
        contacts: Contacts::mail("uno@prova.example"),
    }
}

fn full() -> Segnatura {
    let header = Header {
        id: identifier("0001234"),
        first: Some(identifier("0000999")),
        subject: "Richiesta <pareri> & \"osservazioni\"\r\nseconda riga".to_owned(),
        class: Some(Class {
            name: "Polizia locale".to_owned(),
            code: ClassCode::Path(vec![Coded::named("VI", "Territorio"), Coded::new("3")]),
        }),
        dossier: Some(Dossier { name: "Lavori".to_owned(), code: "2026-VI.3/12".to_owned() }),
        confidential: Some(Confidential { value: true, note: Some("dati sanitari".to_owned()) }),
    };
    let mut reference = header.clone();
    reference.confidential = None;
    reference.class = Some(Class { name: String::new(), code: ClassCode::Flat("VI.3".to_owned()) });
    let recipient = |subject| Recipient { subject, confirm: true, for_information: false };
    let detached = Detached { file_name: "a.p7s".to_owned(), media_type: None, order: 1 };
    Segnatura {
        header,
        reference: Some(reference),
        sender: Subject::Administration(Box::new(Administration {
            name: "Comune di Prova".to_owned(),
            tax_code: Some("01234567890".to_owned()),
            code: Some(Coded::new("c_f572")),
            contacts: Contacts::default(),
            aoo: Some(Coded::new("AF572AA")),
            aoo_contacts: Contacts::mail("protocollo@pec.prova.example"),
            unit: Some(Coded::named("UF0001", "Protocollo")),
            unit_contacts: Contacts { addresses: Vec::new(), phones: vec!["0574 000000".to_owned()] },
            people: vec![person()],
        })),
        recipients: vec![
            recipient(Subject::administration("Provincia di Prova", Coded::new("p_po"))),
            recipient(Subject::LegalPerson {
                name: "Prova Srl".to_owned(),
                tax_code: Some("09876543210".to_owned()),
                contacts: Contacts::default(),
                people: Vec::new(),
            }),
            Recipient { subject: Subject::NaturalPerson(person()), confirm: false, for_information: true },
            recipient(Subject::ForeignBody {
                name: "Ville d’Essai".to_owned(),
                office: Some("État civil".to_owned()),
                contacts: Contacts::mail("mairie@ville.example"),
            }),
        ],
        primary: Document {
            file_name: "nota.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            description: Some("Nota".to_owned()),
            fingerprint: Some(Fingerprint::sha256([7; 32])),
            location: None,
            signed: Some(SignatureNote::Inside),
            sealed: None,
            stamped: None,
        },
        attachments: vec![Document {
            file_name: "a.dwg".to_owned(),
            media_type: "image/vnd.dwg".to_owned(),
            description: None,
            fingerprint: Some(Fingerprint { algorithm: "SHA-512".to_owned(), bytes: vec![1; 64] }),
            location: Some(Location {
                host: "https://prova.example".to_owned(),
                path: "/a".to_owned(),
                time_to_live: Some(86_400_000),
                user: Some("u".to_owned()),
                password: Some("p".to_owned()),
            }),
            signed: Some(SignatureNote::Detached(vec![detached])),
            sealed: Some(SignatureNote::Inside),
            stamped: Some(SignatureNote::Inside),
        }],
    }
}

#[test]
fn what_is_written_is_read_back() {
    let segnatura = full();
    let read = read(write(&segnatura).unwrap().as_bytes()).unwrap();
    assert_eq!(read.segnatura, segnatura);
    assert_eq!((read.version, read.signed), (Version::V3, false));
    assert_eq!(read.defects, ["Signature"]);
}

#[test]
fn the_official_schema_asks_only_for_the_signature() {
    let xml = write(&full()).unwrap();
    let Some(unsigned) = faults("segnatura_protocollo.xsd", &xml) else { return };
    assert!(unsigned[0].contains("Signature"), "{unsigned:?}");
    let sample = String::from_utf8(sample("segnatura-valida-xades.xml").unwrap()).unwrap();
    let signature = &sample[sample.find("<ds:Signature ").unwrap()..];
    let signed = xml.replace("</prot:SegnaturaInformatica>", signature);
    assert_eq!(faults("segnatura_protocollo.xsd", &signed).unwrap(), Vec::<String>::new());
}

#[test]
fn trap_attributes_are_qualified() {
    let xml = write(&full()).unwrap();
    assert!(xml.contains(" prot:versione=\"3.0.0\" prot:lang=\"it\">"));
    let bare = xml.replace("prot:versione", "versione");
    let Some(faults) = faults("segnatura_protocollo.xsd", &bare) else { return };
    assert!(faults.iter().any(|f| f.contains("versione")), "{faults:?}");
}

#[test]
fn trap_fingerprints_are_base64_and_hexadecimal_is_understood() {
    let xml = write(&full()).unwrap();
    assert!(xml.contains("prot:algoritmo=\"SHA-256\">BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="));
    let hexadecimal = xml.replace("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", &"07".repeat(32));
    let read = read(hexadecimal.as_bytes()).unwrap();
    assert_eq!(read.segnatura.primary.fingerprint, full().primary.fingerprint);
}

#[test]
fn trap_postal_addresses_are_neither_written_nor_needed() {
    assert!(!write(&full()).unwrap().contains("IndirizzoPostale"));
    let postal =
        "<prot:ContattiAOO><prot:IndirizzoPostale><prot:CAP>59100</prot:CAP></prot:IndirizzoPostale>";
    let xml = write(&full()).unwrap().replace("<prot:ContattiAOO>", postal);
    assert_eq!(read(xml.as_bytes()).unwrap().segnatura, full());
}

#[test]
fn trap_what_the_schema_would_refuse_is_refused_before_signing() {
    let refused = |change: &dyn Fn(&mut Segnatura)| {
        let mut segnatura = full();
        change(&mut segnatura);
        write(&segnatura).unwrap_err().at
    };
    assert_eq!(refused(&|s| s.header.id.number = "123".to_owned()), "Intestazione/NumeroRegistrazione");
    assert_eq!(refused(&|s| s.header.id.aoo = Coded::new("AOO1")), "Intestazione/Identificatore/CodiceAOO");
    assert_eq!(
        refused(&|s| s.header.id.aoo = Coded::new("BF572AA")),
        "Intestazione/Identificatore/CodiceAOO"
    );
    assert_eq!(refused(&|s| s.header.id.register = Some("P G".to_owned())), "Intestazione/CodiceRegistro");
    assert_eq!(refused(&|s| s.header.id.register = None), "Intestazione/CodiceRegistro");
    assert_eq!(refused(&|s| s.header.subject = " ".to_owned()), "Intestazione/Oggetto");
    assert_eq!(refused(&|s| s.header.class = None), "Intestazione/Classifica");
    assert_eq!(refused(&|s| s.recipients.clear()), "Descrizione/Destinatario");
    assert_eq!(refused(&|s| s.primary.fingerprint = None), "Descrizione/DocumentoPrimario/Impronta");
    assert_eq!(refused(&|s| s.attachments[0].file_name.clear()), "Descrizione/Allegato");
    let sole_trader = |s: &mut Segnatura| {
        s.sender = Subject::LegalPerson {
            name: "Prova Due".to_owned(),
            tax_code: Some("NUORPV80A01G999X".to_owned()),
            contacts: Contacts::default(),
            people: Vec::new(),
        };
    };
    assert_eq!(refused(&sole_trader), "Descrizione/Mittente/PIVAoCF");
}

#[test]
fn trap_an_older_aoo_code_may_be_answered() {
    let mut segnatura = full();
    if let Some(reference) = &mut segnatura.reference {
        reference.id.aoo = Coded::new("AOO_COMUNE");
    }
    assert!(write(&segnatura).is_ok());
}

#[test]
fn the_valid_sample_is_read() {
    let Some(bytes) = sample("segnatura-valida-xades.xml") else { return };
    let read = read(&bytes).unwrap();
    assert_eq!((read.version, read.signed), (Version::V3, true));
    assert!(read.defects.is_empty(), "{:?}", read.defects);
    let header = &read.segnatura.header;
    assert_eq!(header.id.number, "0001234");
    assert_eq!(header.class.as_ref().unwrap().code.flat(), "XI.02");
    assert_eq!(read.segnatura.sender.mail(), Some("protocollo@pec-alfa.example"));
    assert!(read.segnatura.recipients[0].confirm);
    assert_eq!(read.segnatura.primary.fingerprint.as_ref().unwrap().bytes.len(), 32);
}

#[test]
fn a_short_number_is_read_and_noted() {
    let Some(bytes) = sample("segnatura-non-valida-numero-corto.xml") else { return };
    let read = read(&bytes).unwrap();
    assert_eq!(read.defects, ["Intestazione/Identificatore/NumeroRegistrazione"]);
}

#[test]
fn samples_of_the_answers_are_read_and_written_the_same() {
    let names = [
        ("conferma-ricezione.xml", "Conferma.xml"),
        ("aggiornamento-conferma.xml", "Aggiornamento.xml"),
        ("notifica-eccezione.xml", "Eccezione.xml"),
        ("annullamento-protocollazione.xml", "Annullamento.xml"),
    ];
    for (name, file) in names {
        let Some(bytes) = sample(name) else { return };
        let message = ExchangeMessage::read(&bytes).unwrap();
        assert_eq!(message.file_name(), file);
        let written = message.write().unwrap();
        assert_eq!(ExchangeMessage::read(written.as_bytes()).unwrap(), message);
        let faults = faults("pec_message.xsd", &written).unwrap();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
}

#[test]
fn the_exception_of_the_sample_is_recognised_by_its_digits() {
    let Some(bytes) = sample("notifica-eccezione.xml") else { return };
    let ExchangeMessage::Exception { own, reason, .. } = ExchangeMessage::read(&bytes).unwrap() else {
        panic!("not an exception")
    };
    assert!(own.is_none() && reason.starts_with("002_"), "{reason}");
}

const OF_2001: &str = r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE Segnatura SYSTEM "Segnatura.dtd">
<Segnatura versione="2001-05-07" xml:lang="it"><Intestazione>
<Identificatore><CodiceAmministrazione>c_x001</CodiceAmministrazione><CodiceAOO>AOO1</CodiceAOO>
<NumeroRegistrazione>0000954</NumeroRegistrazione><DataRegistrazione>2018-05-29</DataRegistrazione></Identificatore>
<OraRegistrazione tempo="spc">16:09:19,710</OraRegistrazione>
<Origine><IndirizzoTelematico>protocollo@pec.prova.example</IndirizzoTelematico><Mittente><Amministrazione>
<Denominazione>Comune di Prova</Denominazione><UnitaOrganizzativa><Denominazione>Area</Denominazione>
<Persona><Nome>Prova</Nome><Cognome>Uno</Cognome></Persona></UnitaOrganizzativa></Amministrazione>
<AOO><Denominazione>Unica</Denominazione></AOO></Mittente></Origine>
<Destinazione confermaRicezione="si"><IndirizzoTelematico>due@pec.prova.example</IndirizzoTelematico></Destinazione>
<PerConoscenza><IndirizzoTelematico>x@prova.example</IndirizzoTelematico><Destinatario><Persona>
<Denominazione>Prova Tre</Denominazione></Persona></Destinatario></PerConoscenza>
<Riservato/><Oggetto>Interoperabilit&#224;</Oggetto><Classifica><Livello>01</Livello><Livello>02</Livello></Classifica>
</Intestazione><Riferimenti><Messaggio><Identificatore><CodiceAmministrazione>c_x002</CodiceAmministrazione>
<CodiceAOO>A</CodiceAOO><CodiceRegistro>R</CodiceRegistro><NumeroRegistrazione>7</NumeroRegistrazione>
<DataRegistrazione>2018-05-01</DataRegistrazione></Identificatore></Messaggio></Riferimenti>
<Descrizione><Documento nome="nota.pdf" tipoMIME="application/pdf"><TitoloDocumento>Nota</TitoloDocumento></Documento>
<Allegati><Fascicolo><Documento nome="a.pdf"/></Fascicolo><Documento nome="b.pdf"/></Allegati></Descrizione></Segnatura>"#;

#[test]
fn a_message_of_2001_is_read_without_its_dtd() {
    let read = read(OF_2001.as_bytes()).unwrap();
    let it = &read.segnatura;
    assert_eq!(read.version, Version::V2001);
    assert_eq!(read.defects, ["Intestazione/Identificatore/CodiceRegistro"]);
    assert_eq!(it.header.id.time, Some("16:09:19".parse().unwrap()));
    assert_eq!(it.header.subject, "Interoperabilità");
    assert_eq!(it.header.class.as_ref().unwrap().code.flat(), "01.02");
    assert!(it.header.confidential.as_ref().unwrap().value);
    assert_eq!(it.sender.mail(), Some("protocollo@pec.prova.example"));
    assert_eq!((it.recipients[0].confirm, it.recipients[0].for_information), (true, false));
    assert_eq!((it.recipients[1].confirm, it.recipients[1].for_information), (false, true));
    assert_eq!(it.recipients[1].subject.display_name(), "Prova Tre");
    assert_eq!(it.reference.as_ref().unwrap().id.number, "7");
    let files: Vec<_> = it.attachments.iter().map(|d| d.file_name.as_str()).collect();
    assert_eq!((it.primary.file_name.as_str(), files), ("nota.pdf", vec!["a.pdf", "b.pdf"]));
}

#[test]
fn a_message_of_2013_is_told_by_its_namespace() {
    let xml = OF_2001
        .replace("<!DOCTYPE Segnatura SYSTEM \"Segnatura.dtd\">", "")
        .replace("<Segnatura ", "<Segnatura xmlns=\"http://www.digitPa.gov.it/protocollo/\" ");
    assert_eq!(read(xml.as_bytes()).unwrap().version, Version::V2013);
}

#[test]
fn the_real_message_of_2018_is_read() {
    let Some(specs) = specs() else { return };
    let raw = std::fs::read(specs.join("pec/samples-real/aruba-2018-busta-trasporto-redatta.eml")).unwrap();
    let outer = mail_parser::MessageParser::default().parse(&raw).unwrap();
    let inner = outer.attachments().find_map(|part| part.message()).unwrap();
    let xml = inner.attachments().find(|p| p.contents().starts_with(b"<?xml")).unwrap();
    let read = read(xml.contents()).unwrap();
    assert_eq!(read.version, Version::V2001);
    assert_eq!(read.segnatura.header.id.number, "0000954");
    assert!(read.segnatura.recipients[0].confirm);
}

#[test]
fn other_xml_and_hostile_xml_are_refused() {
    assert!(matches!(read(b"<a/>"), Err(ReadError::NotASegnatura(_))));
    assert!(matches!(read(b"<Segnatura/>"), Err(ReadError::Missing("Intestazione"))));
    let xxe = OF_2001.replace("\"Segnatura.dtd\">", "\"x\" [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>");
    assert!(matches!(read(xxe.as_bytes()), Err(ReadError::Xml(_))));
}

prop_compose! {
    fn words()(text in "[ -~àèìòù€]{1,40}", first in "[a-z]") -> String {
        format!("{first}{}", text.trim())
    }
}

proptest! {
    #[test]
    fn any_message_survives_the_round_trip(
        subject in words(), name in words(), number in "[0-9]{7,12}", code in words(), note in proptest::option::of(words()),
        confirm in any::<bool>(), attachments in 0_usize..4, bytes in proptest::collection::vec(any::<u8>(), 1..64),
    ) {
        let mut segnatura = full();
        segnatura.header.subject = subject;
        segnatura.header.id.number = number;
        segnatura.header.class = Some(Class { name: name.clone(), code: ClassCode::Flat(code) });
        segnatura.header.confidential = Some(Confidential { value: confirm, note });
        segnatura.recipients[1].confirm = confirm;
        segnatura.attachments = vec![segnatura.primary.clone(); attachments];
        segnatura.primary.description = Some(name);
        segnatura.primary.fingerprint = Some(Fingerprint { algorithm: "SHA-256".to_owned(), bytes });
        let read = read(write(&segnatura).unwrap().as_bytes()).unwrap();
        // A hash of 30 bytes in base64 may look like one in hexadecimal; no real hash has that length.
        prop_assume!(read.segnatura.primary.fingerprint.as_ref().unwrap().bytes.len() != 20);
        prop_assert_eq!(read.segnatura, segnatura);
    }

    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..4000) {
        let _ = read(&bytes);
        let _ = ExchangeMessage::read(&bytes);
        let xml = write(&full()).unwrap();
        let _ = read(xml.as_bytes().get(..cut).unwrap_or_default());
    }
}
