//! The life of the province in the weeks before today: documents that came, left and stayed inside.
//!
//! Everything goes through the use cases, in the order of time, with the clock moved by hand. People and firms
//! are plainly invented ("Prova Uno"); bodies write to each other under their true names.

use super::cast::Cast;
use super::dice::Dice;
use super::outside::Outside;
use super::post;
use super::province::{self, Province};
use super::{scans, troubles};
use crate::use_cases::dossier::open::open_dossier;
use crate::use_cases::exchange::{Recipient, Sending, send};
use crate::use_cases::register::annul::annul;
use crate::use_cases::register::assign::AssignTo;
use crate::use_cases::register::files::receive_bytes;
use crate::use_cases::register::register_document::{NewDocument, Registered, register_document};
use crate::use_cases::{case::open::open_case, scheme};
use crate::{Actor, App, Context, Error, Result};
use documents::pdf::{self, Block, PageSize, Paper, Run};
use domain::body::{Body, BodyKind, Unit};
use domain::calendar::is_working_day;
use domain::case::NewCase;
use domain::dossier::{Confidentiality, DossierKind, NewDossier};
use domain::ids::{DossierId, RegistrationId};
use domain::message::Channel;
use domain::moment::rome;
use domain::register::{
    AssignmentKind, Correspondent, CorrespondentKind, Direction, NewRegistration, Registration,
    SenderReference,
};
use domain::{Moment, Role};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::Deserialize;
use std::sync::Arc;

/// How far back the history goes, in days.
const DAYS: i32 = 45;
/// Opening hours of the registry: the first and the number of hours.
const HOURS: (i8, usize) = (8, 9);

/// For how many days before today letters really leave and arrive.
const RECENT_DAYS: i64 = 20;
/// How many hours before the end the capital sends its circulars: long ago enough for every notice to have come,
/// long enough for the first one, and just now.
const CIRCULARS: &[i64] = &[72, 16, 1];
/// First words of invented boxes; most work, the others say how they fail.
const BOXES: &[&str] =
    &["ditta", "studio", "tardi", "inesistente", "piena", "rifiuta", "lenta", "muta", "persa", "breve"];

const GIVEN: &[&str] = &["Uno", "Due", "Tre", "Quattro", "Cinque", "Sei", "Sette", "Otto", "Nove", "Dieci"];
const FAMILY: &[&str] = &["Prova", "Esempio", "Fittizi", "Inventati", "Campioni", "Simulati"];
const TRADES: &[&str] = &["Tessitura", "Filatura", "Impianti", "Edilizia", "Panificio", "Officina"];

/// What a document of the demo is about.
#[derive(Debug, Deserialize)]
struct Theme {
    kind: CorrespondentKind,
    direction: String,
    class_comuni: String,
    class_others: String,
    office: String,
    subject: String,
}

/// One document to be registered, when, by whom and about what; without a theme it is a circular.
struct Event {
    at: Timestamp,
    body: usize,
    theme: Option<usize>,
}

/// The moment at which the history of a demo that ends at `until` begins.
pub fn beginning(until: Moment) -> Moment {
    Moment::new(until.at.checked_sub((i64::from(DAYS) * 24).hours()).unwrap_or(until.at))
}

/// Plays the history up to `until`; the clock of `app` is moved and stands at `until` afterwards.
///
/// # Errors
/// Whatever a use case answers.
pub async fn play(
    app: &Arc<App>,
    province: &Province,
    seed: u64,
    until: Moment,
    outside: &impl Outside,
) -> Result<()> {
    let themes: Vec<Theme> = province::rows(include_str!("../../data/subjects.csv"))?;
    let bodies: Vec<&Body> = province.living().collect();
    let mut dice = Dice::new(seed);
    let events = plan(&bodies, &themes, &mut dice, until);
    let cast = Cast::of(app, bodies.iter().map(|body| body.ipa_code.clone()).collect()).await?;
    let mut dossiers = Vec::new();
    for body in &bodies {
        dossiers.push(prepare(&cast, body, until.today).await?);
    }
    let (mut last_post, mut letters) = (beginning(until).today, 0);
    for event in &events {
        let moment = Moment::new(event.at);
        let opening = morning(moment.today);
        if is_recent(until, event.at) && last_post < moment.today && opening.at <= event.at {
            last_post = moment.today;
            app.clock.set(opening);
            let clerk = app.context(Actor::system(bodies[0].ipa_code.clone()));
            post::strangers(&clerk, &bodies, &mut dice, &mut letters, outside).await?;
            outside.arrive().await?;
            post::sort(&cast, &bodies, &mut dice).await?;
        }
        app.clock.set(moment);
        let body = bodies[event.body];
        let ctx = cast.context(&body.ipa_code, Role::RegistryClerk)?;
        let scene = Scene { cast: &cast, until, ctx, body, others: &bodies };
        let own = dossiers.get(event.body).map(Vec::as_slice).unwrap_or_default();
        let leaves = match event.theme {
            Some(theme) => scene.play(&themes[theme], own, &mut dice).await?,
            None => scene.circular().await?,
        };
        if leaves {
            outside.leave().await?;
        }
    }
    troubles::play(app, &cast, &bodies, until, outside).await?;
    app.clock.set(until);
    scans::play(&cast, bodies[0]).await?;
    let system = app.context(Actor::system(bodies[0].ipa_code.clone()));
    post::strangers(&system, &bodies, &mut dice, &mut letters, outside).await?;
    outside.leave().await?;
    outside.arrive().await
}

/// What happened in the last days is sent and answered; what is older is only in the registers.
fn is_recent(until: Moment, at: Timestamp) -> bool {
    until.at.duration_since(at).as_hours() < 24 * RECENT_DAYS
}

/// Before the registries open.
fn morning(day: Date) -> Moment {
    let local = day.at(7, 45, 0, 0).to_zoned(rome());
    Moment::new(local.map(|zoned| zoned.timestamp()).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Every document, in the order of time. Larger bodies have more of them.
fn plan(bodies: &[&Body], themes: &[Theme], dice: &mut Dice, until: Moment) -> Vec<Event> {
    let days = working_days(until.today);
    let mut events = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let count = match (body.offices.len(), body.kind) {
            (10.., _) => 60,
            (_, BodyKind::Municipality) => 14,
            (5.., _) => 9,
            _ => 5,
        };
        for _ in 0..count {
            let theme = Some(dice.roll(themes.len()));
            let at = moment_of(*dice.pick(&days), dice);
            if at < until.at {
                events.push(Event { at, body: index, theme });
            }
        }
    }
    for hours in CIRCULARS {
        let at = until.at.checked_sub(hours.hours()).unwrap_or(until.at);
        events.push(Event { at, body: 0, theme: None });
    }
    events.sort_by_key(|event| (event.at, event.body));
    events
}

fn working_days(today: Date) -> Vec<Date> {
    let back = |days: i32| today.checked_sub(days.days()).unwrap_or(today);
    (1..DAYS).rev().map(back).filter(|day| is_working_day(*day, None)).collect()
}

fn moment_of(day: Date, dice: &mut Dice) -> Timestamp {
    let hour = HOURS.0 + i8::try_from(dice.roll(HOURS.1)).unwrap_or(0);
    let minute = i8::try_from(dice.roll(60)).unwrap_or(0);
    let second = i8::try_from(dice.roll(60)).unwrap_or(0);
    let local = day.at(hour, minute, second, 0).to_zoned(rome());
    local.map(|zoned| zoned.timestamp()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn office<'a>(body: &'a Body, code: &str) -> Option<&'a Unit> {
    let named = body.offices.iter().find(|unit| unit.code == code);
    named.or_else(|| body.offices.iter().rfind(|unit| unit.parent.is_some()))
}

/// Gives a body its scheme and its first dossiers with a case each, one of them due soon and one late.
async fn prepare(cast: &Cast, body: &Body, today: Date) -> Result<Vec<DossierId>> {
    let manager = cast.context(&body.ipa_code, Role::RecordsManager)?;
    scheme::import(&manager, province::scheme(body.kind).as_bytes()).await?;
    let ctx = cast.context(&body.ipa_code, Role::CaseOfficer)?;
    let comune = province::scheme(body.kind) == province::scheme(BodyKind::Municipality);
    let matters = [
        (if comune { "VI.3" } else { "IV.1" }, "Ampliamento di opificio in zona industriale", -2),
        (if comune { "VI.9" } else { "V.1" }, "Controlli sul torrente Bisenzio", 4),
        (if comune { "VIII.4" } else { "IV.2" }, "Mercato settimanale: assegnazione dei posteggi", 21),
    ];
    let mut dossiers = Vec::new();
    for (classification, subject, due_in) in matters {
        let new = NewDossier {
            classification: classification.to_owned(),
            subject: subject.to_owned(),
            kind: DossierKind::Matter,
            confidentiality: Confidentiality::Public,
            unit: office(body, "SUEAP").map(|unit| unit.id.clone()),
            parent: None,
        };
        let dossier = open_dossier(&ctx, new).await?;
        let due_on = today.checked_add(due_in.days()).ok();
        let case = NewCase {
            dossier: dossier.id.clone(),
            title: subject.to_owned(),
            due_on,
            participants: Vec::new(),
        };
        open_case(&ctx, case).await?;
        dossiers.push(dossier.id);
    }
    Ok(dossiers)
}

/// How a recipient is reached: bodies in the hub or by certified mail, others at a box whose name says how the
/// sandbox's provider misbehaves.
fn recipient(to: &Correspondent, dice: &mut Dice) -> Recipient {
    let by_hub = to.body.is_some() && !dice.once_in(3);
    let address = match &to.body {
        Some(_) => to.digital_domicile.clone().unwrap_or_default(),
        None => format!("{}.{}@pec.impresa.test", dice.pick(BOXES), dice.roll(100)),
    };
    Recipient {
        name: to.name.clone(),
        channel: if by_hub { Channel::Hub } else { Channel::Pec },
        address,
        body: to.body.clone(),
        confirm: to.body.is_some(),
    }
}

fn by_certified_mail(to: &Correspondent) -> Recipient {
    Recipient {
        name: to.name.clone(),
        channel: Channel::Pec,
        address: to.digital_domicile.clone().unwrap_or_default(),
        body: None,
        confirm: false,
    }
}

fn by_hub(to: &&Body) -> Recipient {
    Recipient {
        name: to.name.clone(),
        channel: Channel::Hub,
        address: String::new(),
        body: Some(to.ipa_code.clone()),
        confirm: true,
    }
}

/// One body at one moment.
struct Scene<'a> {
    cast: &'a Cast,
    until: Moment,
    ctx: Context,
    body: &'a Body,
    others: &'a [&'a Body],
}

impl Scene<'_> {
    /// Plays one event; answers whether something is to leave.
    async fn play(&self, theme: &Theme, dossiers: &[DossierId], dice: &mut Dice) -> Result<bool> {
        let new = self.registration(theme, dossiers, dice)?;
        let file = self.file(&new, dice)?;
        let document = receive_bytes(&self.ctx, &new.body, "/document", &file.0, &file.1).await?;
        let assignments = match new.direction {
            Direction::Outgoing => Vec::new(),
            _ => self.assignment(theme, dice).into_iter().collect(),
        };
        let what = NewDocument { new, document, attachments: Vec::new(), assignments, idempotency_key: None };
        let Registered::New(entry) = register_document(&self.ctx, what).await? else { return Ok(false) };
        if entry.direction == Direction::Outgoing && is_recent(self.until, self.ctx.moment.at) {
            self.send(&entry, dice).await?;
            return Ok(true);
        }
        if dice.once_in(60) {
            self.annul(entry.id).await?;
        }
        Ok(false)
    }

    /// A letter to one box of each kind, a body of the hub and an ordinary address: every state of a delivery.
    async fn circular(&self) -> Result<bool> {
        let firm = |word: &&str| Correspondent {
            kind: CorrespondentKind::Firm,
            name: format!("Impresa {word} Prova S.r.l."),
            tax_code: None,
            digital_domicile: Some(format!("{word}.prova@pec.impresa.test")),
            body: None,
        };
        let mut new = self.blank("Avviso: nuove modalità di presentazione delle pratiche")?;
        new.correspondents = BOXES.iter().map(firm).collect();
        let text = b"Avviso di dimostrazione: persone e fatti sono inventati.";
        let document = receive_bytes(&self.ctx, &new.body, "/document", "avviso.txt", text).await?;
        let recipients = new.correspondents.iter().map(by_certified_mail);
        let mut recipients: Vec<Recipient> = recipients.chain(self.others.get(1).map(by_hub)).collect();
        recipients.push(Recipient {
            name: "Prova Uno".to_owned(),
            channel: Channel::Email,
            address: "prova.uno@posta.test".to_owned(),
            body: None,
            confirm: false,
        });
        let what = NewDocument {
            new,
            document,
            attachments: Vec::new(),
            assignments: Vec::new(),
            idempotency_key: None,
        };
        let Registered::New(entry) = register_document(&self.ctx, what).await? else { return Ok(false) };
        let text = "Si trasmette l’avviso in oggetto.".to_owned();
        send(&self.ctx, Sending { registration: entry.id, text, recipients }).await?;
        Ok(true)
    }

    /// An outgoing entry of this body, about a subject.
    fn blank(&self, subject: &str) -> Result<NewRegistration> {
        let area =
            self.body.aoos.first().ok_or_else(|| Error::Bug("a living body has an area".to_owned()))?;
        Ok(NewRegistration {
            body: self.body.ipa_code.clone(),
            aoo: area.code.clone(),
            register: None,
            direction: Direction::Outgoing,
            subject: subject.to_owned(),
            correspondents: Vec::new(),
            classification: None,
            case: None,
            dossier: None,
            confidential: false,
            received_at: None,
            sender_reference: None,
        })
    }

    async fn send(&self, entry: &Registration, dice: &mut Dice) -> Result<()> {
        let recipients = entry.correspondents.iter().map(|to| recipient(to, dice)).collect();
        let text = "Si trasmette il documento in oggetto.".to_owned();
        send(&self.ctx, Sending { registration: entry.id.clone(), text, recipients }).await?;
        Ok(())
    }

    fn registration(
        &self,
        theme: &Theme,
        dossiers: &[DossierId],
        dice: &mut Dice,
    ) -> Result<NewRegistration> {
        let direction = match theme.direction.as_str() {
            "in" => Direction::Incoming,
            "out" => Direction::Outgoing,
            _ => Direction::Internal,
        };
        let comune = province::scheme(self.body.kind) == province::scheme(BodyKind::Municipality);
        let classification = if comune { &theme.class_comuni } else { &theme.class_others };
        let from_body = direction == Direction::Incoming && theme.kind == CorrespondentKind::Body;
        let sender_reference = from_body.then(|| SenderReference {
            number: format!("{:07}/{}", 1 + dice.roll(9000), self.ctx.moment.year()),
            date: None,
        });
        Ok(NewRegistration {
            direction,
            correspondents: vec![self.correspondent(theme.kind, dice)],
            classification: Some(classification.clone()),
            dossier: if dice.once_in(3) { Some(dice.pick(dossiers).clone()) } else { None },
            confidential: dice.once_in(40),
            sender_reference,
            ..self.blank(&theme.subject)?
        })
    }

    fn correspondent(&self, kind: CorrespondentKind, dice: &mut Dice) -> Correspondent {
        let plain =
            |name: String| Correspondent { kind, name, tax_code: None, digital_domicile: None, body: None };
        match kind {
            CorrespondentKind::Body => {
                let strangers: Vec<_> =
                    self.others.iter().filter(|other| other.ipa_code != self.body.ipa_code).collect();
                let other = dice.pick(&strangers);
                Correspondent {
                    digital_domicile: other.digital_domicile.clone(),
                    body: Some(other.ipa_code.clone()),
                    ..plain(other.name.clone())
                }
            }
            CorrespondentKind::Office => plain(dice.pick(&self.body.offices).name.clone()),
            CorrespondentKind::Person => plain(format!("{} {}", dice.pick(FAMILY), dice.pick(GIVEN))),
            _ => {
                let (trade, number) = (dice.pick(TRADES), dice.pick(GIVEN));
                let address = format!("{}.{}@pec.impresa.test", trade.to_lowercase(), number.to_lowercase());
                Correspondent {
                    digital_domicile: Some(address),
                    ..plain(format!("{trade} {number} Prova S.r.l."))
                }
            }
        }
    }

    fn assignment(&self, theme: &Theme, dice: &mut Dice) -> Option<AssignTo> {
        // Some mail is still to be sorted: a registry with nothing to do would show nothing.
        if dice.once_in(8) {
            return None;
        }
        let unit = office(self.body, &theme.office)?;
        Some(AssignTo {
            kind: AssignmentKind::Competence,
            unit: Some(unit.id.clone()),
            account: None,
            note: None,
        })
    }

    /// The file itself: a tagged PDF now and then, a plain text otherwise.
    fn file(&self, new: &NewRegistration, dice: &mut Dice) -> Result<(String, Vec<u8>)> {
        let names: Vec<&str> = new.correspondents.iter().map(|one| one.name.as_str()).collect();
        let lines = [
            format!("Oggetto: {}", new.subject),
            format!("{} – {}", self.body.name, names.join(", ")),
            format!(
                "Documento di dimostrazione n. {}: persone e fatti sono inventati.",
                dice.roll(1_000_000)
            ),
        ];
        if !dice.once_in(6) {
            return Ok(("documento.txt".to_owned(), lines.join("\n").into_bytes()));
        }
        let bytes = printed(&new.subject, &names.join(", "), self.ctx.moment.local(), lines.into())?;
        Ok(("documento.pdf".to_owned(), bytes))
    }

    async fn annul(&self, id: RegistrationId) -> Result<()> {
        let reason = "Registrato due volte per errore".to_owned();
        let manager = self.cast.context(&self.body.ipa_code, Role::RecordsManager)?;
        annul(&manager, id, reason, "Provvedimento di prova n. 1".to_owned()).await
    }
}

/// A sheet of the demo as a PDF, a paragraph for each line.
///
/// # Errors
/// `Bug` when it cannot be written: its words are ours.
pub(super) fn printed(title: &str, author: &str, made_at: Zoned, lines: Vec<String>) -> Result<Vec<u8>> {
    let paper = Paper {
        title: title.to_owned(),
        language: "it".to_owned(),
        author: author.to_owned(),
        made_at,
        size: PageSize::A4,
        header: Vec::new(),
        footer: vec!["Dimostrazione: persone e atti sono inventati".to_owned()],
        page_counter: "{page}/{pages}".to_owned(),
        stamp: Vec::new(),
        blocks: lines.into_iter().map(|line| Block::Paragraph(vec![Run::plain(line)])).collect(),
    };
    pdf::write(&paper).map_err(|error| Error::Bug(error.to_string()))
}
