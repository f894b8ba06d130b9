//! The register of a day as XML: the form that programs and archivists read.
//!
//! Element names are Italian, as in the exchange messages, because they are
//! read by Italian archivists in fifty years. Times are UTC with their offset.

use documents::xml::XmlWriter;
use domain::body::{AooCode, Body, RegisterCode};
use domain::register::number_label;
use jiff::Timestamp;
use jiff::civil::Date;
use store::daily::{Day, DayAnnulment, DayCorrection, DayEntry};

/// Namespace of the form; a new shape takes a new number.
const NAMESPACE: &str = "urn:telaio:registro-giornaliero:1";

/// Writes the register of a day; the same day gives the same bytes.
pub(super) fn write(
    body: &Body,
    aoo: &AooCode,
    register: &RegisterCode,
    date: Date,
    day: &Day,
    previous: Option<&str>,
) -> String {
    let mut xml = XmlWriter::new();
    xml.open("RegistroGiornaliero", &[("xmlns", NAMESPACE)]);
    xml.leaf("CodiceAmministrazione", &[("denominazione", &body.name)], body.ipa_code.as_str());
    xml.leaf("CodiceAOO", &[], aoo.as_str());
    xml.leaf("CodiceRegistro", &[], register.as_str());
    xml.leaf("Giorno", &[], &date.to_string());
    xml.optional("ImprontaGiornoPrecedente", previous);
    totals(&mut xml, day);
    xml.open("Registrazioni", &[]);
    day.entries.iter().for_each(|it| entry(&mut xml, it));
    xml.close().open("Modifiche", &[]);
    day.corrections.iter().for_each(|it| correction(&mut xml, it));
    xml.close().open("Annullamenti", &[]);
    day.annulments.iter().for_each(|it| annulment(&mut xml, it));
    xml.finish()
}

fn totals(xml: &mut XmlWriter, day: &Day) {
    let counts = day.counts();
    let emergency = day.entries.iter().filter(|e| e.emergency.is_some()).count();
    xml.open("Totali", &[]);
    xml.leaf("Registrazioni", &[], &counts.entries.to_string());
    xml.leaf("Annullamenti", &[], &counts.annulments.to_string());
    xml.leaf("Modifiche", &[], &counts.corrections.to_string());
    xml.leaf("DiEmergenza", &[], &emergency.to_string());
    xml.optional("PrimoNumero", day.entries.first().map(|e| number_label(e.number)).as_deref());
    xml.optional("UltimoNumero", day.entries.last().map(|e| number_label(e.number)).as_deref());
    xml.close();
}

fn instant(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map(|at| at.to_string()).unwrap_or_default()
}

fn entry(xml: &mut XmlWriter, it: &DayEntry) {
    let (number, year) = (number_label(it.number), it.year.to_string());
    xml.open("Registrazione", &[("numero", &number), ("anno", &year)]);
    xml.leaf("DataOra", &[], &instant(it.registered_at));
    xml.leaf("Flusso", &[], crate::use_cases::papers::word(&format!("direction-{}", it.direction)));
    xml.leaf("Oggetto", &[], &it.subject);
    for name in &it.correspondents {
        xml.leaf("Corrispondente", &[], name);
    }
    xml.optional("PresentatoIl", it.received_at.map(instant).as_deref());
    xml.optional("ProtocolloMittente", it.sender_reference.as_deref());
    xml.optional("Classificazione", it.classification.as_deref());
    if it.confidential {
        xml.leaf("Riservato", &[], "true");
    }
    if let Some((code, number)) = &it.emergency {
        xml.leaf("RegistroDiEmergenza", &[("codice", code)], &format!("{number:06}"));
    }
    xml.optional("AnnullatoIl", it.annulled_at.map(instant).as_deref());
    for (name, sha256) in &it.files {
        xml.leaf("File", &[("impronta", sha256), ("algoritmo", "SHA-256")], name);
    }
    xml.close();
}

fn correction(xml: &mut XmlWriter, it: &DayCorrection) {
    let (number, year) = (number_label(it.number), it.year.to_string());
    xml.open("Modifica", &[("numero", &number), ("anno", &year), ("dato", &it.field)]);
    xml.leaf("DataOra", &[], &instant(it.at));
    xml.optional("Prima", it.old_value.as_deref());
    xml.optional("Dopo", it.new_value.as_deref());
    closing(xml, &it.reason, &it.order_reference, &it.by_name);
}

fn annulment(xml: &mut XmlWriter, it: &DayAnnulment) {
    let (number, year) = (number_label(it.number), it.year.to_string());
    xml.open("Annullamento", &[("numero", &number), ("anno", &year)]);
    xml.leaf("DataOra", &[], &instant(it.at));
    closing(xml, &it.reason, &it.order_reference, &it.by_name);
}

fn closing(xml: &mut XmlWriter, reason: &str, order: &str, by: &str) {
    xml.leaf("Motivo", &[], reason);
    xml.leaf("Provvedimento", &[], order);
    xml.leaf("Operatore", &[], by);
    xml.close();
}
