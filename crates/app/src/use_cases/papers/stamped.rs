//! The stamped copy of a received PDF: the segnatura as people read it, in a strip above the first page.
//!
//! The file in the register is never touched (register sheet, §5): the copy is made anew each time, says what the entry
//! says today, and begins with the original byte for byte. A PDF inside a signed envelope is taken out of it first.

use super::{local, own_body, paper_of, word, word_with, write};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::{download, read};
use documents::inspect::media_type;
use documents::pdf::{Block, PageSize, Qr, Run, Text};
use documents::signature::{cades, stamp};
use domain::Refusal;
use domain::body::Body;
use domain::ids::{DocumentId, RegistrationId};
use domain::register::Registration;
use tokio::io::AsyncReadExt;

/// Largest file of which a copy is made, bytes: it stands in memory while it is written.
const LARGEST: u64 = 100 * 1024 * 1024;
/// Envelopes within envelopes that are opened.
const ENVELOPES: usize = 3;
/// Side of the QR, millimetres.
const SIDE: f32 = 17.0;

/// A stamped copy: its name and bytes.
pub struct StampedCopy {
    /// Name of the file, with a word that says it is a copy.
    pub name: String,
    /// The PDF.
    pub bytes: Vec<u8>,
}

/// Whether a file may be one of which a copy can be made: by its type, since the bytes are not looked at.
pub fn may_be_stamped(media_type: &str) -> bool {
    matches!(media_type, "application/pdf" | "application/pkcs7-mime")
}

/// A copy of a PDF of an entry with body, number, date, class and a QR printed above its first page (D.P.R. 445/2000,
/// art. 55).
///
/// # Errors
/// `NotFound` for who may not see the whole entry, or when the file is not one of its files; refusal `not-stampable`
/// when it is no PDF, locked, damaged or too large.
pub async fn stamped(ctx: &Context, id: RegistrationId, document: DocumentId) -> Result<StampedCopy> {
    let entry = read::open_whole(ctx, id).await?.registration;
    if !std::iter::once(&entry.document).chain(&entry.attachments).any(|file| file.id == document) {
        return Err(Error::NotFound);
    }
    let (file, opened) = download::open(ctx, document).await?;
    let no = || Error::from(Refusal::of("not-stampable"));
    if opened.size > LARGEST {
        return Err(no());
    }
    let mut bytes = Vec::new();
    let mut source = opened.bytes.take(LARGEST);
    source.read_to_end(&mut bytes).await.map_err(|error| Error::Problem(error.to_string()))?;
    let body = own_body(ctx).await?;
    let strip = write(strip(ctx, &body, &entry)).await?;
    let label = word_with("stamp-alt", &[("body", body.name.clone()), ("number", entry.full_label())]);
    let made = tokio::task::spawn_blocking(move || {
        let pdf = out_of_envelopes(bytes)?;
        stamp(&pdf, &strip, &label).ok()
    });
    let bytes = made.await.map_err(|error| Error::Bug(error.to_string()))?.ok_or_else(no)?;
    Ok(StampedCopy { name: copy_name(&file.name), bytes })
}

/// The PDF itself, or the one that signed envelopes hold.
fn out_of_envelopes(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    for _ in 0..ENVELOPES {
        if media_type(&bytes) == "application/pdf" {
            return Some(bytes);
        }
        bytes = cades::content(&bytes)?;
    }
    (media_type(&bytes) == "application/pdf").then_some(bytes)
}

/// `domanda.pdf.p7m` → `domanda-copia.pdf`.
fn copy_name(name: &str) -> String {
    let mut stem = name;
    while let Some((start, ".p7m" | ".pdf" | ".P7M" | ".PDF")) =
        stem.len().checked_sub(4).filter(|at| stem.is_char_boundary(*at)).map(|at| stem.split_at(at))
    {
        stem = start;
    }
    format!("{stem}-{}.pdf", word("stamp-copy"))
}

fn strip(ctx: &Context, body: &Body, entry: &Registration) -> documents::pdf::Paper {
    let title = word_with("stamp-title", &[("number", entry.full_label())]);
    let mut paper = paper_of(ctx, body, title, PageSize::Strip);
    // There is no room for what a sheet has around its content.
    paper.header.clear();
    paper.footer.clear();
    paper.page_counter.clear();
    paper.blocks.push(Block::Qr(Qr {
        data: format!("{}/register/{}", ctx.app.settings.public_url, entry.id),
        alt: word_with("label-qr", &[("number", entry.full_label())]),
        side: SIDE,
        caption: caption(body, entry),
    }));
    paper
}

fn caption(body: &Body, entry: &Registration) -> Text {
    let number = [("number", entry.full_label()), ("at", local(entry.registered_at))];
    let mut place = format!("{} · {} · {}", entry.body, entry.aoo, entry.register);
    if let Some(class) = &entry.classification {
        place.push_str(&format!(" · {} {class}", word("class")));
    }
    let mut text = vec![
        Run::bold(format!("{}\n{}\n", body.name, word_with("stamp-number", &number))),
        Run::plain(format!("{place} · {}\n", word(&format!("direction-{}", entry.direction.name())))),
        Run::plain(word("stamp-note")),
    ];
    if entry.annulment.is_some() {
        text.insert(1, Run::bold(format!("{}\n", word("annulled"))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::copy_name;

    #[test]
    fn the_name_says_that_it_is_a_copy() {
        assert_eq!(copy_name("domanda.pdf.p7m"), "domanda-copia.pdf");
        assert_eq!(copy_name("perché.PDF"), "perché-copia.pdf");
        assert_eq!(copy_name("é"), "é-copia.pdf");
    }
}
