//! The four messages that answer a segnatura by PEC (`pec_message.xsd`).
//!
//! Their elements are of the namespace of PEC messages, but the parts of an
//! identifier are of the segnatura's. None of them is signed inside. A
//! cancellation names only the sender's own registration, not the recipient's.
//! Those of 2013 and 2001 have the same names and are read too.

use super::model::Identifier;
use super::read::{ReadError, identifier};
use super::write::{WriteError, identifier as write_identifier};
use super::{NAMESPACE, PEC_NAMESPACE};
use crate::xml::{self, Element, XmlWriter};

/// The message that an answer is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// By its registration at the sender's.
    Identified {
        /// The registration.
        id: Box<Identifier>,
        /// The first registration, when it had another.
        first: Option<Box<Identifier>>,
    },
    /// In words, when its segnatura could not be read.
    Described(String),
}

/// An answer to a segnatura.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeMessage {
    /// `Conferma.xml`: registered there, under this number.
    Confirmation {
        /// The registration made by who answers.
        own: Identifier,
        /// The message registered.
        received: Received,
    },
    /// `Aggiornamento.xml`: the registration confirmed before has changed.
    Update {
        /// The registration made by who answers.
        own: Identifier,
        /// The message registered.
        received: Received,
    },
    /// `Eccezione.xml`: not registered, or not as it should be.
    Exception {
        /// The registration made by who answers, if any.
        own: Option<Identifier>,
        /// The message refused.
        received: Received,
        /// Why; begins with the code of an anomaly where one fits.
        reason: String,
    },
    /// `Annullamento.xml`: the own registration is void.
    Cancellation {
        /// The registration made void.
        own: Identifier,
        /// Why.
        reason: String,
        /// The act that ordered it.
        act: String,
    },
}

impl ExchangeMessage {
    /// The name that the file must have in the PEC message.
    #[must_use]
    pub fn file_name(&self) -> &'static str {
        match self {
            ExchangeMessage::Confirmation { .. } => "Conferma.xml",
            ExchangeMessage::Update { .. } => "Aggiornamento.xml",
            ExchangeMessage::Exception { .. } => "Eccezione.xml",
            ExchangeMessage::Cancellation { .. } => "Annullamento.xml",
        }
    }

    /// The XML of the message.
    ///
    /// # Errors
    /// [`WriteError`] naming what the official XSD would refuse.
    pub fn write(&self) -> Result<String, WriteError> {
        let mut xml = XmlWriter::new();
        match self {
            ExchangeMessage::Confirmation { own, received } => {
                root(&mut xml, "pec:ConfermaRicezione");
                own_identifier(&mut xml, own)?;
                write_received(&mut xml, received)?;
            }
            ExchangeMessage::Update { own, received } => {
                root(&mut xml, "pec:AggiornamentoConferma");
                own_identifier(&mut xml, own)?;
                write_received(&mut xml, received)?;
            }
            ExchangeMessage::Exception { own, received, reason } => {
                root(&mut xml, "pec:NotificaEccezione");
                own.as_ref().map_or(Ok(()), |own| own_identifier(&mut xml, own))?;
                write_received(&mut xml, received)?;
                xml.leaf("pec:Motivo", &[], reason);
            }
            ExchangeMessage::Cancellation { own, reason, act } => {
                root(&mut xml, "pec:AnnullamentoProtocollazione");
                own_identifier(&mut xml, own)?;
                xml.leaf("pec:Motivo", &[], reason);
                xml.leaf("pec:Provvedimento", &[], act);
            }
        }
        Ok(xml.finish())
    }

    /// Reads a message of any version.
    ///
    /// # Errors
    /// [`ReadError`] when the bytes are not one of the four messages or lack the
    /// identifiers they live by.
    pub fn read(bytes: &[u8]) -> Result<ExchangeMessage, ReadError> {
        let root = xml::parse(bytes)?;
        let own = root.child("Identificatore").and_then(identifier);
        let need_own = || own.clone().ok_or(ReadError::Missing("Identificatore"));
        match root.name.as_str() {
            "ConfermaRicezione" => {
                Ok(ExchangeMessage::Confirmation { own: need_own()?, received: received(&root)? })
            }
            "AggiornamentoConferma" => {
                Ok(ExchangeMessage::Update { own: need_own()?, received: received(&root)? })
            }
            "NotificaEccezione" => {
                let reason = root.text_of("Motivo").unwrap_or_default();
                Ok(ExchangeMessage::Exception { own, received: received(&root)?, reason })
            }
            "AnnullamentoProtocollazione" => Ok(ExchangeMessage::Cancellation {
                own: need_own()?,
                reason: root.text_of("Motivo").unwrap_or_default(),
                act: root.text_of("Provvedimento").unwrap_or_default(),
            }),
            other => Err(ReadError::NotASegnatura(other.to_owned())),
        }
    }
}

fn root(xml: &mut XmlWriter, name: &'static str) {
    let attributes = [
        ("xmlns:pec", PEC_NAMESPACE),
        ("xmlns:prot", NAMESPACE),
        ("pec:versione", "3.0.0"),
        ("pec:lang", "it"),
    ];
    xml.open(name, &attributes);
}

fn own_identifier(xml: &mut XmlWriter, id: &Identifier) -> Result<(), WriteError> {
    xml.open("pec:Identificatore", &[]);
    write_identifier(xml, id, "Identificatore")?;
    xml.close();
    Ok(())
}

fn write_received(xml: &mut XmlWriter, received: &Received) -> Result<(), WriteError> {
    xml.open("pec:MessaggioRicevuto", &[]);
    match received {
        Received::Identified { id, first } => {
            own_identifier(xml, id)?;
            if let Some(first) = first {
                xml.open("pec:PrimaRegistrazione", &[]);
                write_identifier(xml, first, "PrimaRegistrazione")?;
                xml.close();
            }
        }
        Received::Described(words) => {
            xml.leaf("pec:DescrizioneMessaggio", &[], words);
        }
    }
    xml.close();
    Ok(())
}

fn received(root: &Element) -> Result<Received, ReadError> {
    let element = root.child("MessaggioRicevuto").ok_or(ReadError::Missing("MessaggioRicevuto"))?;
    if let Some(id) = element.child("Identificatore").and_then(identifier) {
        // In 3.0 the first registration is an identifier itself, before it held one.
        let first = element.child("PrimaRegistrazione");
        let first = first.and_then(|it| identifier(it.child("Identificatore").unwrap_or(it)));
        return Ok(Received::Identified { id: Box::new(id), first: first.map(Box::new) });
    }
    let words = element.text_of("DescrizioneMessaggio").ok_or(ReadError::Missing("MessaggioRicevuto"))?;
    Ok(Received::Described(words))
}
