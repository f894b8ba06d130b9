//! Pages of dossiers: the list, a new one, and one whole. What is done to one is in `dossier_acts.rs`.

use super::events::{Names, entries};
use super::html;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::{Chip, Choice, Faults, Sampled, Shape, TimelineEntry, View};
use crate::who::Who;
use app::use_cases::dossier::open::open_dossier;
use app::use_cases::dossier::read::{self, Opened, Sheet, Shown};
use app::use_cases::dossier::{Assigned, Event, Filed, Filter};
use app::use_cases::scheme;
use app::{Context, Error, Verb};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::Invalid;
use domain::dossier::{Confidentiality, Dossier, DossierKind, DossierState, NewDossier};
use domain::ids::{DossierId, Id};
use jiff::Timestamp;
use serde::Deserialize;

/// Dossiers on one page.
const PAGE: i64 = 50;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let reads = Access::May(Verb::ReadDossier);
    let opens = Access::May(Verb::OpenDossier);
    vec![
        Entry::page("GET", "/dossiers", reads, get(list)),
        Entry::page("GET", "/dossiers/new", opens, get(blank)),
        Entry::page("POST", "/dossiers", opens, post(create)),
        Entry::page("GET", "/dossiers/{id}", reads, get(show)),
    ]
}

/// The list of dossiers.
#[derive(Template)]
#[template(path = "dossier/list.html")]
pub struct DossierList {
    /// Chrome.
    pub view: View,
    /// Filters.
    pub chips: Vec<Chip>,
    /// Words searched.
    pub typed: String,
    /// Class filtered on.
    pub class: String,
    /// The dossiers.
    pub items: Vec<Shown>,
    /// Those that other bodies share with ours; only on the first page without filters.
    pub shared: Vec<Dossier>,
    /// Address of the next page.
    pub next: Option<String>,
    /// Whether the person may open dossiers.
    pub opens: bool,
}

impl DossierList {
    fn shape(&self, dossier: &Dossier) -> Shape {
        sign(dossier.state)
    }
}

/// The form of a new dossier.
#[derive(Template)]
#[template(path = "dossier/new.html")]
pub struct NewPage {
    /// Chrome.
    pub view: View,
    /// What was typed.
    pub form: NewForm,
    /// Code of the whole, for a part.
    pub whole: Option<String>,
    /// Kinds.
    pub kinds: Vec<Choice>,
    /// Levels.
    pub levels: Vec<Choice>,
    /// Classes of the scheme; empty while none was imported.
    pub classes: Vec<Choice>,
    /// Faults.
    pub faults: Faults,
}

/// One dossier whole.
#[derive(Template)]
#[template(path = "dossier/show.html")]
pub struct DossierPage {
    /// Chrome.
    pub view: View,
    /// Everything about it.
    pub sheet: Sheet,
    /// What happened, in words.
    pub timeline: Vec<TimelineEntry>,
    /// States it may move to.
    pub steps: Vec<DossierState>,
    /// Levels.
    pub levels: Vec<Choice>,
    /// Offices it can be given to.
    pub offices: Vec<Choice>,
    /// Persons who can be named on it.
    pub people: Vec<Choice>,
    /// Bodies it can be shared with.
    pub bodies: Vec<Choice>,
    /// Faults of the last act.
    pub faults: Faults,
    /// Whether the person may work on it.
    pub works: bool,
    /// Whether the person may share it.
    pub shares: bool,
    /// The person's account and office, to know which assignments are theirs.
    pub me: (Option<String>, Option<String>),
}

impl DossierPage {
    /// Whether an assignment waits for this person.
    pub fn is_mine(&self, one: &Assigned) -> bool {
        let own = one.account.as_ref().map(|id| id.to_string());
        let office = one.unit.as_ref().map(|id| id.to_string());
        one.ended_at.is_none()
            && ((own.is_some() && own == self.me.0) || (own.is_none() && office == self.me.1))
    }

    /// Name of the person an assignment was given to by name; empty for who has left the body since.
    pub fn assignee(&self, one: &Assigned) -> String {
        let found = self.sheet.colleagues.iter().find(|who| Some(&who.id) == one.account.as_ref());
        found.map(|who| who.name.clone()).unwrap_or_else(|| self.view.t("dossier-a-person"))
    }

    /// An instant of the store.
    pub fn at(&self, micros: &i64) -> Timestamp {
        domain::Moment::from_micros(*micros).at
    }

    /// A number with at least seven digits.
    pub fn label(&self, filed: &Filed) -> String {
        format!("{}/{}", domain::register::number_label(filed.number), filed.year)
    }

    /// The sign of the dossier's state.
    pub fn shape(&self) -> Shape {
        sign(self.sheet.dossier.state)
    }
}

/// The sign of a dossier's state.
fn sign(state: DossierState) -> Shape {
    match state {
        DossierState::Open => Shape::Waiting,
        DossierState::Disposed => Shape::Failed,
        _ => Shape::Done,
    }
}

/// Code and date of a dossier that the person may not see.
#[derive(Template)]
#[template(path = "dossier/hidden.html")]
pub struct HiddenPage {
    /// Chrome.
    pub view: View,
    /// Code.
    pub code: String,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// What the form of a new dossier sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct NewForm {
    /// Class.
    pub classification: String,
    /// Subject.
    pub subject: String,
    /// Kind.
    pub kind: String,
    /// Level.
    pub confidentiality: String,
    /// Id of the whole, for a part.
    pub parent: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    q: String,
    class: String,
    state: String,
    mine: String,
    cursor: String,
}

async fn list(Who(ctx): Who, view: View, Query(wish): Query<Wish>) -> Result<Response, Fault> {
    let state = (!wish.state.is_empty())
        .then(|| DossierState::parse(&wish.state))
        .transpose()
        .map_err(Error::from)?;
    let filter = Filter {
        state,
        class: (!wish.class.is_empty()).then(|| wish.class.clone()),
        text: (!wish.q.is_empty()).then(|| wish.q.chars().take(200).collect()),
        parent: None,
        mine: wish.mine == "1",
        after: wish.cursor.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned()))),
    };
    let bare = filter == Filter::default();
    let page = read::list(&ctx, filter, PAGE).await?;
    let shared = if bare { read::shared_with_us(&ctx).await? } else { Vec::new() };
    let address = |mine: &str, state: &str, cursor: &str| {
        let text = |value: &str| {
            percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let pairs = [
            ("q", text(&wish.q)),
            ("class", text(&wish.class)),
            ("state", text(state)),
            ("mine", text(mine)),
            ("cursor", cursor.to_owned()),
        ];
        let kept = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> = kept.map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { "/dossiers".to_owned() } else { format!("/dossiers?{}", query.join("&")) }
    };
    let chip = |key: &str, mine: &str, state: &str, shape| Chip {
        label: view.t(key),
        href: address(mine, state, ""),
        current: wish.mine == mine && wish.state == state,
        count: None,
        shape,
    };
    let chips = vec![
        chip("chip-all", "", "", None),
        chip("chip-dossiers-mine", "1", "", None),
        chip("chip-dossiers-open", "", "open", Some(Shape::Waiting)),
        chip("chip-dossiers-closed", "", "closed", Some(Shape::Done)),
    ];
    let next = page.next.map(|(at, id)| address(&wish.mine, &wish.state, &format!("{at}.{id}")));
    let opens = ctx.may(Verb::OpenDossier).is_ok();
    let shown =
        DossierList { view, chips, typed: wish.q, class: wish.class, items: page.items, shared, next, opens };
    Ok(html(&shown)?.into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Start {
    class: String,
    parent: String,
}

async fn blank(Who(ctx): Who, view: View, Query(start): Query<Start>) -> Result<Response, Fault> {
    let form = NewForm { classification: start.class, parent: start.parent, ..NewForm::default() };
    Ok(html(&new_page(&ctx, view, form, &Invalid::default()).await?)?.into_response())
}

async fn new_page(ctx: &Context, view: View, form: NewForm, invalid: &Invalid) -> Result<NewPage, Fault> {
    let whole = match form.parent.parse::<DossierId>() {
        Ok(id) => match read::open(ctx, id).await? {
            Opened::Sheet(sheet) => Some(sheet.dossier.code),
            Opened::CodeAndDate { .. } => return Err(Error::NotFound.into()),
        },
        Err(_) => None,
    };
    let scheme = scheme::scheme(ctx).await?;
    let classes = scheme.classes.iter().filter(|class| class.depth() > 0);
    let class_choice = |class: &domain::scheme::Class| {
        Choice::new(class.code.clone(), format!("{} {}", class.code, class.name), &form.classification)
    };
    Ok(NewPage {
        whole,
        kinds: kinds(&view, &form.kind),
        levels: levels(&view, &form.confidentiality),
        classes: classes.map(class_choice).collect(),
        faults: view.faults(invalid),
        view,
        form,
    })
}

fn kinds(view: &View, present: &str) -> Vec<Choice> {
    let choice =
        |kind: &DossierKind| Choice::new(kind.name(), view.family("dossier-kind-", kind.name()), present);
    DossierKind::ALL.iter().map(choice).collect()
}

pub(super) fn levels(view: &View, present: &str) -> Vec<Choice> {
    let choice = |level: &Confidentiality| {
        Choice::new(level.name(), view.family("confidentiality-", level.name()), present)
    };
    Confidentiality::ALL.iter().map(choice).collect()
}

async fn create(Who(ctx): Who, view: View, Form(form): Form<NewForm>) -> Result<Response, Fault> {
    match read_form(&form) {
        Ok(new) => match open_dossier(&ctx, new).await {
            Ok(dossier) => {
                Ok(Redirect::to(&format!("/dossiers/{}?done=dossier-opened", dossier.id)).into_response())
            }
            Err(Error::Invalid(invalid)) => refuse(&ctx, view, form, &invalid).await,
            Err(other) => Err(other.into()),
        },
        Err(invalid) => refuse(&ctx, view, form, &invalid).await,
    }
}

async fn refuse(ctx: &Context, view: View, form: NewForm, invalid: &Invalid) -> Result<Response, Fault> {
    let page = new_page(ctx, view, form, invalid).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response())
}

fn read_form(form: &NewForm) -> Result<NewDossier, Invalid> {
    Ok(NewDossier {
        classification: form.classification.trim().to_owned(),
        subject: form.subject.clone(),
        kind: DossierKind::parse(&form.kind)?,
        confidentiality: Confidentiality::parse(&form.confidentiality)?,
        unit: None,
        parent: match form.parent.is_empty() {
            true => None,
            false => Some(form.parent.parse().map_err(|_| Invalid::one("/parent", "invalid"))?),
        },
    })
}

async fn show(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    page(&ctx, view, id, &Invalid::default()).await
}

/// The page of one dossier, with the faults of an act that was refused.
pub(super) async fn page(
    ctx: &Context,
    view: View,
    id: DossierId,
    invalid: &Invalid,
) -> Result<Response, Fault> {
    let status = if invalid.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    match read::open(ctx, id).await? {
        Opened::Sheet(sheet) => Ok((status, html(&full(ctx, view, *sheet, invalid))?).into_response()),
        Opened::CodeAndDate { code, opened_at } => {
            Ok(html(&HiddenPage { view, code, opened_at })?.into_response())
        }
    }
}

fn full(ctx: &Context, view: View, sheet: Sheet, invalid: &Invalid) -> DossierPage {
    let account = ctx.actor.owner().map(|id| id.as_str().to_owned());
    let unit = ctx.actor.unit.as_ref().map(|id| id.as_str().to_owned());
    let (works, shares) = (ctx.may(Verb::OpenDossier).is_ok(), ctx.may(Verb::ShareDossier).is_ok());
    arrange(view, sheet, invalid, (works, shares), (account, unit))
}

fn arrange(
    view: View,
    sheet: Sheet,
    invalid: &Invalid,
    (works, shares): (bool, bool),
    me: (Option<String>, Option<String>),
) -> DossierPage {
    let mut names = Names::new();
    names.extend(sheet.units.iter().map(|unit| (unit.id.to_string(), unit.name.clone())));
    names.extend(sheet.shares.iter().map(|(share, name)| (share.with.to_string(), name.clone())));
    let number = |filed: &Filed| format!("{}/{}", domain::register::number_label(filed.number), filed.year);
    names.extend(sheet.documents.iter().map(|filed| (filed.registration.to_string(), number(filed))));
    let none = std::iter::once(Choice::new("", view.t("choose"), ""));
    let offices = sheet.units.iter().filter(|unit| unit.active);
    let offices =
        none.clone().chain(offices.map(|unit| Choice::new(unit.id.as_str(), unit.name.clone(), "")));
    let bodies = sheet.neighbours.iter().map(|(code, name)| Choice::new(code.as_str(), name.clone(), ""));
    let people = sheet.colleagues.iter().map(|one| Choice::new(one.id.as_str(), one.name.clone(), ""));
    let own = sheet.own;
    DossierPage {
        people: none.clone().chain(people).collect(),
        timeline: entries(&view, &sheet.timeline, &names),
        steps: if own && works { sheet.dossier.state.next().to_vec() } else { Vec::new() },
        levels: levels(&view, sheet.dossier.confidentiality.name()),
        offices: offices.collect(),
        bodies: none.chain(bodies).collect(),
        faults: view.faults(invalid),
        works: own && works,
        shares: own && shares,
        me,
        view,
        sheet,
    }
}

pub(super) fn sample(level: Confidentiality) -> Dossier {
    Dossier {
        id: DossierId::from_u128(1),
        body: domain::body::IpaCode::parse("c_prova").unwrap_or_else(|_| unreachable!("a good code")),
        code: "2026-VI.3/12".into(),
        classification: "VI.3".into(),
        parent: None,
        kind: DossierKind::Matter,
        subject: "Ampliamento opificio <b>di prova</b>".into(),
        confidentiality: level,
        state: DossierState::Open,
        unit: None,
        officer: None,
        officer_name: Some("Prova Due".into()),
        opened_at: Timestamp::UNIX_EPOCH,
        closed_at: None,
    }
}

impl Sampled for DossierList {
    fn samples(view: View) -> Vec<Self> {
        let chips = vec![Chip {
            label: "Tutti".into(),
            href: "/dossiers".into(),
            current: true,
            count: None,
            shape: None,
        }];
        let hidden = Shown::CodeAndDate {
            id: DossierId::from_u128(2),
            code: "2026-VI.3/13".into(),
            opened_at: Timestamp::UNIX_EPOCH,
        };
        let full = Self {
            view: view.clone(),
            chips: chips.clone(),
            typed: "prova".into(),
            class: "VI.3".into(),
            items: vec![Shown::Full(sample(Confidentiality::Public)), hidden],
            shared: vec![sample(Confidentiality::Public)],
            next: Some("/dossiers?cursor=1.dos_1".into()),
            opens: true,
        };
        let empty = Self {
            items: Vec::new(),
            shared: Vec::new(),
            next: None,
            opens: false,
            typed: String::new(),
            class: String::new(),
            chips,
            view,
        };
        vec![full, empty]
    }
}

impl Sampled for NewPage {
    fn samples(view: View) -> Vec<Self> {
        let page = |classes: Vec<Choice>, invalid: Invalid, whole: Option<&str>| Self {
            form: NewForm::default(),
            whole: whole.map(str::to_owned),
            kinds: kinds(&view, ""),
            levels: levels(&view, "public"),
            classes,
            faults: view.faults(&invalid),
            view: view.clone(),
        };
        vec![
            page(
                vec![Choice::new("VI.3", "VI.3 Edilizia privata", "")],
                Invalid::one("/subject", "required"),
                None,
            ),
            page(Vec::new(), Invalid::default(), Some("2026-VI.3/12")),
        ]
    }
}

impl Sampled for HiddenPage {
    fn samples(view: View) -> Vec<Self> {
        vec![Self { view, code: "2026-VI.3/12".into(), opened_at: Timestamp::UNIX_EPOCH }]
    }
}

impl Sampled for DossierPage {
    fn samples(view: View) -> Vec<Self> {
        let event = Event {
            at: 1,
            actor: "Prova Due".into(),
            verb: "dossier.state".into(),
            about: Some("closed".into()),
            note: Some("nota".into()),
        };
        let sheet = |own| Sheet {
            dossier: sample(Confidentiality::Public),
            class_name: Some("Edilizia privata".into()),
            body_name: "Comune di Prova".into(),
            unit_name: Some("Ufficio di prova".into()),
            documents: Vec::new(),
            cases: Vec::new(),
            parts: Vec::new(),
            assignments: Vec::new(),
            readers: Vec::new(),
            shares: Vec::new(),
            timeline: vec![event.clone()],
            own,
            units: Vec::new(),
            neighbours: Vec::new(),
            colleagues: Vec::new(),
        };
        let wrong = Invalid::one("/reason", "required");
        vec![
            arrange(view.clone(), sheet(true), &wrong, (true, true), (None, None)),
            arrange(view, sheet(false), &Invalid::default(), (false, false), (None, None)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn pages_of_dossiers_hold_in_both_languages_and_all_looks() {
        check_pages::<DossierList>();
        check_pages::<NewPage>();
        check_pages::<HiddenPage>();
        check_pages::<DossierPage>();
    }

    #[test]
    fn a_subject_with_html_is_shown_as_text() {
        let view = crate::view::testing::view(crate::prefs::Lang::It);
        let page = DossierPage::samples(view).remove(0).render().unwrap();
        assert!(!page.contains("<b>di prova") && page.contains("di prova"));
    }
}
