//! Envelopes as a provider delivers them: a body outside this installation writes to one inside, with a document
//! and a segnatura sealed by it.

use std::path::Path;
use std::sync::Arc;

use channels::{Attachment, Letter, compose};
use documents::segnatura::{
    self, Class, ClassCode, Coded, Document, Fingerprint, Header, Identifier, Recipient, Segnatura, Subject,
};
use documents::signature::test_ca::{Holder, TestCa};
use documents::signature::{KeyKind, SealKey, xades};
use domain::message::ReceiptForm;
use jiff::civil::date;
use sandbox::{Authority, Provider, Settings};
use sha2::{Digest, Sha256};

use crate::{Failed, now};

/// Who writes: a box that the Postfix of the bench lets in, so that it can hand the message over.
const SENDER: &str = "cittadino@pec.prova.test";
/// Code of the body that writes; none of the demo has it.
const BODY: &str = "demo_scrivente";
/// Bytes of the document of each letter, as in the rows about registration.
const DOCUMENT: usize = 20_000;

/// A provider, and a body outside with its seal.
pub struct Office {
    provider: Provider,
    seal: SealKey,
    authority: TestCa,
}

impl Office {
    /// Opens both; what they need is made in the folder.
    pub fn open(folder: &Path) -> Result<Self, Failed> {
        let settings = Settings {
            folder: folder.join("provider"),
            clock: Arc::new(now),
            password: String::new(),
            listen: [([127, 0, 0, 1], 0).into(); 3],
        };
        let authority = Authority::open(&settings.folder.join("authority"), now())?;
        let provider = Provider::open(&settings, authority)?;
        let valid = "2020-01-01T00:00:00Z".parse()?.."2040-01-01T00:00:00Z".parse()?;
        let authority = TestCa::create("CA of the benchmark", valid.clone())?;
        let holder = Holder::seal("Ente scrivente di prova", "VATIT-01234567890");
        let seal = authority.issue(&holder, KeyKind::P256, valid)?.seal_key()?;
        Ok(Self { provider, seal, authority })
    }

    /// Whom to believe: the provider's authority and the seal's.
    pub fn anchors(&self) -> Result<Vec<u8>, Failed> {
        Ok([self.provider.trust_pem()?, self.authority.root_pem()?].concat())
    }

    /// The envelope in which a letter reaches its addressee.
    pub fn envelope(
        &self,
        to: &str,
        subject: &str,
        message_id: &str,
        files: &[(String, Vec<u8>)],
    ) -> Result<Vec<u8>, Failed> {
        let file = |(name, bytes): &(String, Vec<u8>)| Attachment {
            name: name.clone(),
            media_type: if name.ends_with(".xml") { "application/xml" } else { "application/pdf" }.to_owned(),
            bytes: bytes.clone(),
        };
        let letter = Letter {
            message_id: message_id.to_owned(),
            from_name: "Ente scrivente di prova".to_owned(),
            from: SENDER.to_owned(),
            to: vec![to.to_owned()],
            cc: Vec::new(),
            subject: subject.to_owned(),
            written_at: now().as_second(),
            answers: None,
            receipt: Some(ReceiptForm::Complete),
            text: "Si trasmette quanto in oggetto.".to_owned(),
            attachments: files.iter().map(file).collect(),
        };
        let taken = self.provider.submit(SENDER, &[to.to_owned()], &compose(&letter))?;
        if !taken.accepted {
            return Err("the provider refuses the letter".into());
        }
        let arrived = self.provider.boxes().list(to, "INBOX")?;
        let newest = arrived.last().ok_or("nothing arrived")?;
        let raw = newest.read()?;
        self.provider.boxes().delete(&arrived)?;
        // The receipts are of no use here.
        self.provider.boxes().delete(&self.provider.boxes().list(SENDER, "INBOX")?)?;
        Ok(raw)
    }

    /// The sealed segnatura of a letter about one document.
    fn segnatura(&self, serial: u64, to: &str, document: &[u8]) -> Result<Vec<u8>, Failed> {
        let header = Header {
            id: Identifier {
                administration: Coded::named(BODY, "Ente scrivente di prova"),
                aoo: Coded::new("A1B2C3D"),
                register: Some("RG".into()),
                number: format!("{serial:07}"),
                date: date(2026, 11, 23),
                time: None,
            },
            first: None,
            subject: subject(serial),
            class: Some(Class { name: "VI.3".into(), code: ClassCode::Flat("VI.3".into()) }),
            dossier: None,
            confidential: None,
        };
        let recipient = Subject::LegalPerson {
            name: "Ente ricevente di prova".into(),
            tax_code: None,
            contacts: segnatura::Contacts::mail(to),
            people: Vec::new(),
        };
        let xml = segnatura::write(&Segnatura {
            header,
            reference: None,
            sender: Subject::administration("Ente scrivente di prova", Coded::new(BODY)),
            // No confirmation is asked: what is timed ends with the number.
            recipients: vec![Recipient { subject: recipient, confirm: false, for_information: false }],
            primary: Document {
                file_name: "lettera.pdf".into(),
                media_type: "application/pdf".into(),
                fingerprint: Some(Fingerprint::sha256(Sha256::digest(document).into())),
                ..Document::default()
            },
            attachments: Vec::new(),
        })?;
        Ok(xades::sign_enveloped(&xml, &self.seal, now())?.into_bytes())
    }
}

/// The subject under which a letter is found again.
fn subject(serial: u64) -> String {
    format!("Richiesta di parere, lettera {serial:07}")
}

/// Bytes that look like a PDF from outside, no two letters alike.
pub fn bytes(serial: u64, size: usize) -> Vec<u8> {
    let mut bytes = format!("%PDF-1.7\n% {serial}\n").into_bytes();
    let mut state = serial.wrapping_mul(2).wrapping_add(1);
    while bytes.len() < size {
        // Xorshift: nothing that mail or disk could make smaller.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.push((state >> 24) as u8);
    }
    bytes
}

/// `letters FOLDER COUNT SERIAL TO`: a file `NNNNNNN.eml` for each serial, and `anchors.pem`, which vouches for all.
pub fn write(folder: &Path, count: u64, serial: u64, to: &str) -> Result<(), Failed> {
    std::fs::create_dir_all(folder)?;
    let office = Office::open(folder)?;
    std::fs::write(folder.join("anchors.pem"), office.anchors()?)?;
    for serial in serial..serial + count {
        let document = bytes(serial, DOCUMENT);
        let segnatura = office.segnatura(serial, to, &document)?;
        let files = [("lettera.pdf".to_owned(), document), (segnatura::FILE_NAME.to_owned(), segnatura)];
        let raw =
            office.envelope(to, &subject(serial), &format!("lettera.{serial}@pec.prova.test"), &files)?;
        std::fs::write(folder.join(format!("{serial:07}.eml")), raw)?;
    }
    Ok(())
}
