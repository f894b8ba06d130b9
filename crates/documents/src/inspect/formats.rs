//! The formats of Annex 2 that a body must always handle, with their names and
//! extensions (register.md § 11). A format that is not here is registered all
//! the same, flagged as unknown.

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Its media type.
    pub media_type: &'static str,
    /// Extensions without dot, lower case, the usual one first.
    pub extensions: &'static [&'static str],
    /// Whether Annex 2 lists it among the generic formats.
    pub generic: bool,
}

impl Format {
    /// Whether a file of this format may carry that name. A name without
    /// extension promises nothing.
    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        let Some(extension) = extension(name) else { return true };
        self.extensions.contains(&extension.as_str())
    }
}

const fn generic(media_type: &'static str, extensions: &'static [&'static str]) -> Format {
    Format { media_type, extensions, generic: true }
}

const fn special(media_type: &'static str, extensions: &'static [&'static str]) -> Format {
    Format { media_type, extensions, generic: false }
}

const FORMATS: &[Format] = &[
    generic("application/pdf", &["pdf"]),
    generic(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        &["docx", "docm", "dotx"],
    ),
    generic("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx", "xlsm", "xltx"]),
    generic(
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        &["pptx", "pptm", "ppsx"],
    ),
    generic("application/vnd.oasis.opendocument.text", &["odt", "ott"]),
    generic("application/vnd.oasis.opendocument.spreadsheet", &["ods", "ots"]),
    generic("application/vnd.oasis.opendocument.presentation", &["odp", "otp"]),
    generic("application/vnd.oasis.opendocument.graphics", &["odg"]),
    generic("application/xml", &["xml", "xsd", "xslt", "xsl", "gml", "xbrl"]),
    generic("application/json", &["json", "geojson"]),
    generic("text/csv", &["csv", "tsv"]),
    generic("text/plain", &["txt", "log", "md", "text", "ldif", "eml", "ini"]),
    generic("application/rtf", &["rtf", "doc"]),
    generic("text/html", &["html", "htm", "xhtml"]),
    generic("image/jpeg", &["jpg", "jpeg", "jpe", "jfif"]),
    generic("image/png", &["png"]),
    generic("image/tiff", &["tif", "tiff"]),
    generic("image/svg+xml", &["svg"]),
    generic("message/rfc822", &["eml", "mht"]),
    generic("application/mbox", &["mbox", "mbx"]),
    generic("application/zip", &["zip"]),
    generic("application/x-tar", &["tar"]),
    generic("application/x-7z-compressed", &["7z"]),
    generic("application/gzip", &["gz", "tgz"]),
    generic("audio/mpeg", &["mp3"]),
    generic("audio/x-wav", &["wav"]),
    generic("video/mp4", &["mp4", "m4v"]),
    generic("application/pkcs7-mime", &["p7m", "p7s", "p7c"]),
    generic("application/timestamped-data", &["tsd", "m7m"]),
    generic("application/timestamp-reply", &["tsr", "tst"]),
    generic("application/vnd.etsi.asic-e+zip", &["asice", "sce", "zip"]),
    generic("application/vnd.etsi.asic-s+zip", &["asics", "scs", "zip"]),
    special("image/gif", &["gif"]),
    special("image/bmp", &["bmp"]),
    special("image/webp", &["webp"]),
    special("image/vnd.dwg", &["dwg"]),
    special("image/vnd.dxf", &["dxf"]),
    special("application/x-step", &["ifc", "stp", "step"]),
    special("application/dicom", &["dcm", "dicom"]),
    special("application/epub+zip", &["epub"]),
    special("application/msword", &["doc", "dot"]),
    special("application/vnd.ms-excel", &["xls", "xlt"]),
    special("application/vnd.ms-powerpoint", &["ppt", "pps"]),
    special("application/vnd.ms-outlook", &["msg"]),
];

/// Every format the product knows.
#[must_use]
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// The format of a media type.
#[must_use]
pub fn format_of(media_type: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|f| f.media_type == media_type)
}

/// What a name promises, by its last extension.
#[must_use]
pub fn media_type_of_name(name: &str) -> Option<&'static str> {
    let extension = extension(name)?;
    FORMATS.iter().find(|f| f.extensions.contains(&extension.as_str())).map(|f| f.media_type)
}

fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    let known_shape =
        !extension.is_empty() && extension.len() <= 8 && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    (known_shape && !stem.is_empty()).then(|| extension.to_ascii_lowercase())
}

/// Formats that are text without a mark of their own.
pub(super) fn is_text(media_type: &str) -> bool {
    matches!(media_type, "text/plain" | "text/csv" | "image/vnd.dxf")
}

pub(super) fn is_executable(media_type: &str) -> bool {
    matches!(media_type, super::sniff::PROGRAM | super::sniff::SCRIPT)
}

/// Extensions that Windows runs at a double click.
pub(super) fn names_a_program(name: &str) -> bool {
    const RUN: &[&str] = &[
        "exe", "com", "scr", "pif", "bat", "cmd", "vbs", "vbe", "js", "jse", "wsf", "wsh", "ps1", "msi",
        "jar", "lnk", "hta", "cpl", "reg",
    ];
    extension(name).is_some_and(|e| RUN.contains(&e.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_by_their_last_extension() {
        assert_eq!(media_type_of_name("atto.pdf.p7m"), Some("application/pkcs7-mime"));
        assert_eq!(media_type_of_name("ATTO.PDF"), Some("application/pdf"));
        assert_eq!(media_type_of_name("senza estensione"), None);
        assert!(names_a_program("fattura.pdf.exe"));
        assert!(format_of("application/pdf").unwrap().fits("senza"));
    }
}
