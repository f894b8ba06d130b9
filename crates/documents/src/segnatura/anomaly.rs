//! The eight anomalies of Annex 6.
//!
//! The text of the annex and the WSDL spell some of them differently (one even
//! with a slip of the pen that must be sent as it is). So: the WSDL's spelling
//! goes out, and what comes in is recognised by its three digits alone.

/// Why a message or a confirmation was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Anomaly {
    /// 000: a law lets this message be declared not receivable.
    NotReceivable,
    /// 001: the signature of the segnatura does not hold.
    SegnaturaSignature,
    /// 002: a fingerprint does not match its file.
    Fingerprints,
    /// 003: the document or an attachment cannot be read.
    Unreadable,
    /// 004: a signature on the document or an attachment does not hold.
    DocumentSignature,
    /// 005: a time stamp on them does not hold.
    DocumentTimeStamp,
    /// 006: a seal on them does not hold.
    DocumentSeal,
    /// 007: the identifier to be cancelled is not known.
    UnknownIdentifier,
}

impl Anomaly {
    /// All of them, in order of code.
    pub const ALL: [Anomaly; 8] = [
        Anomaly::NotReceivable,
        Anomaly::SegnaturaSignature,
        Anomaly::Fingerprints,
        Anomaly::Unreadable,
        Anomaly::DocumentSignature,
        Anomaly::DocumentTimeStamp,
        Anomaly::DocumentSeal,
        Anomaly::UnknownIdentifier,
    ];

    /// The spelling of the WSDL for the send and confirm flows.
    #[must_use]
    pub fn wire(self) -> &'static str {
        match self {
            Anomaly::NotReceivable => "000_Irricevibile",
            Anomaly::SegnaturaSignature => "001_ValidazioneFirma",
            Anomaly::Fingerprints => "002_AnomaliaImpronte",
            Anomaly::Unreadable => "003_DocumentoAllegatiNonLeggibili",
            Anomaly::DocumentSignature => "004_DocumentoAllegatiErroreValidazioneFirma",
            // "Vaidazione" is how the WSDL writes it: another spelling is refused by peers.
            Anomaly::DocumentTimeStamp => "005_DocumentoAllegatiErroreVaidazioneMarcaTemporale",
            Anomaly::DocumentSeal => "006_DocumentoAllegatiErroreValidazioneSigillo",
            Anomaly::UnknownIdentifier => "007_ErroreIdentificatoreNonTrovato",
        }
    }

    /// The spelling of the WSDL for the cancellation flows, where code 000 is a
    /// noun.
    #[must_use]
    pub fn wire_in_cancellation(self) -> &'static str {
        match self {
            Anomaly::NotReceivable => "000_Irricevibilita",
            other => other.wire(),
        }
    }

    /// The three digits.
    #[must_use]
    pub fn code(self) -> &'static str {
        &self.wire()[..3]
    }

    /// Recognises an anomaly at the start of a text by its three digits, however
    /// the rest is spelled. `None` for free text.
    #[must_use]
    pub fn recognise(text: &str) -> Option<Anomaly> {
        let text = text.trim_start();
        let digits = text.get(..3)?;
        if text[3..].starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        Anomaly::ALL.into_iter().find(|a| a.code() == digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_mean_the_same() {
        let spellings = [
            ("002_AnomaliaImpronta", Anomaly::Fingerprints),
            ("000_Irricevibilita", Anomaly::NotReceivable),
            ("004_DocumentoAllegatiErrroreValidazioneFirma", Anomaly::DocumentSignature),
            ("005_DocumentoAllegatiErroreValidazioneMarcaTemporale", Anomaly::DocumentTimeStamp),
            (" 002_AnomaliaImpronte: documento.pdf", Anomaly::Fingerprints),
        ];
        for (text, anomaly) in spellings {
            assert_eq!(Anomaly::recognise(text), Some(anomaly), "{text}");
        }
    }

    #[test]
    fn free_text_is_no_anomaly() {
        for text in ["", "00", "0021 documenti", "008_Altro", "Destinatario errato", "€€"] {
            assert_eq!(Anomaly::recognise(text), None, "{text}");
        }
    }

    #[test]
    fn codes_run_from_000_to_007() {
        let codes: Vec<_> = Anomaly::ALL.iter().map(|a| a.code()).collect();
        assert_eq!(codes, ["000", "001", "002", "003", "004", "005", "006", "007"]);
    }
}
