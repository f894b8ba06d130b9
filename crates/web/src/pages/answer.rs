//! Writing an answer on a case: letter, words, recipients, preview, and one button that registers and sends.
//!
//! Everything works without script: the preview has its own button, the draft too. With script the preview
//! follows the typing and the draft saves itself.

use super::html;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::{Choice, Faults, Sampled, View};
use crate::who::Who;
use app::use_cases::answer::{self, Answer, To};
use app::use_cases::bodies;
use app::{Context, Error, Verb};
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::Invalid;
use domain::ids::CaseId;

/// Bodies offered as recipients.
pub const BODIES: usize = 200;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let writes = Access::May(Verb::WriteAnswer);
    vec![
        Entry::page("GET", "/cases/{id}/answer", writes, get(show)),
        Entry::page("POST", "/cases/{id}/answer", writes, post(act)),
        Entry::page("POST", "/cases/{id}/answer/draft", writes, post(autosave)),
        Entry::page("POST", "/cases/{id}/answer/preview", writes, post(preview)),
    ]
}

/// The page of an answer.
#[derive(Template)]
#[template(path = "case/answer.html")]
pub struct AnswerPage {
    /// Chrome.
    pub view: View,
    /// Id of the case.
    pub case: String,
    /// What was written.
    pub answer: Answer,
    /// Letters.
    pub letters: Vec<Choice>,
    /// Bodies of the hub.
    pub hub: Vec<Choice>,
    /// Certified-mail recipients, one per line.
    pub pec: String,
    /// E-mail recipients, one per line.
    pub email: String,
    /// The letter as it would be, paragraph by paragraph.
    pub preview: Vec<String>,
    /// Whether the person may write templates.
    pub manages: bool,
    /// Faults.
    pub faults: Faults,
}

type Pairs = Vec<(String, String)>;

fn read_form(pairs: &Pairs) -> Answer {
    let value = |name: &str| {
        pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    Answer {
        letter: value("letter"),
        subject: value("subject"),
        recipient: value("recipient"),
        reference: value("reference"),
        text: value("text"),
        classification: value("classification"),
        to: recipients(pairs),
    }
}

/// The recipients of a form: chosen bodies, and one address a line for the other roads.
pub fn recipients(pairs: &[(String, String)]) -> Vec<To> {
    let of = |name: &'static str| pairs.iter().filter(move |(key, value)| key == name && !value.is_empty());
    let mut to: Vec<To> = of("hub").map(|(_, code)| line("hub", &format!("{code};{code}"))).collect();
    for channel in ["pec", "email"] {
        let lines = of(channel).flat_map(|(_, text)| text.lines());
        to.extend(lines.filter(|text| !text.trim().is_empty()).map(|text| line(channel, text)));
    }
    to
}

/// `Name; address`, or an address alone, which then is the name too.
fn line(channel: &str, text: &str) -> To {
    let (name, address) = text.rsplit_once(';').unwrap_or((text, text));
    To { channel: channel.to_owned(), name: name.trim().to_owned(), address: address.trim().to_owned() }
}

async fn page(
    ctx: &Context,
    view: View,
    case: &CaseId,
    answer: Answer,
    invalid: &Invalid,
) -> Result<AnswerPage, Fault> {
    let (all, _) = bodies::list(ctx, None, BODIES).await?;
    let chosen = |code: &str| answer.to.iter().any(|to| to.channel == "hub" && to.address == code);
    let others =
        all.iter().filter(|body| body.inside && body.ipa_code != ctx.actor.body && body.valid_to.is_none());
    let choice = |body: &domain::body::Body| Choice {
        value: body.ipa_code.to_string(),
        label: body.name.clone(),
        selected: chosen(body.ipa_code.as_str()),
    };
    let hub: Vec<Choice> = others.map(choice).collect();
    let office = all.iter().find(|body| body.ipa_code == ctx.actor.body).map(|body| body.name.clone());
    let text = answer::preview(ctx, &answer, &office.unwrap_or_default()).await?;
    let letters = answer::offered(ctx).await?;
    let letters = letters.into_iter().map(|(key, title)| Choice::new(key, title, &answer.letter)).collect();
    let manages = ctx.may(Verb::ManageTemplates).is_ok();
    Ok(AnswerPage { manages, ..arrange(view, case, answer, (letters, hub), &text, invalid) })
}

fn arrange(
    view: View,
    case: &CaseId,
    answer: Answer,
    (letters, hub): (Vec<Choice>, Vec<Choice>),
    text: &str,
    invalid: &Invalid,
) -> AnswerPage {
    let lines = |channel: &str| {
        let of = answer.to.iter().filter(|to| to.channel == channel);
        of.map(|to| format!("{}; {}", to.name, to.address)).collect::<Vec<_>>().join("\n")
    };
    let plain = text.replace("**", "");
    AnswerPage {
        case: case.to_string(),
        letters,
        manages: false,
        hub,
        pec: lines("pec"),
        email: lines("email"),
        preview: plain
            .split("\n\n")
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect(),
        faults: view.faults(invalid),
        view,
        answer,
    }
}

fn id_of(text: &str) -> Result<CaseId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

async fn show(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let answer = answer::load(&ctx, id.clone()).await?;
    Ok(html(&page(&ctx, view, &id, answer, &Invalid::default()).await?)?.into_response())
}

/// The buttons of the form: save, show the preview, or send.
async fn act(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let answer = read_form(&pairs);
    let button = pairs.iter().find(|(key, _)| key == "act").map(|(_, value)| value.as_str());
    // What was written is kept before anything that could be refused.
    answer::keep(&ctx, id.clone(), &answer).await?;
    match button {
        Some("save") => Ok(Redirect::to(&format!("/cases/{id}/answer?done=answer-saved")).into_response()),
        Some("send") => match answer::send(&ctx, id.clone(), answer.clone()).await {
            Ok(_) => Ok(Redirect::to(&format!("/cases/{id}?done=answer-sent")).into_response()),
            Err(Error::Invalid(invalid)) => {
                let shown = page(&ctx, view, &id, answer, &on_page(invalid)).await?;
                Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&shown)?).into_response())
            }
            Err(other) => Err(other.into()),
        },
        _ => Ok(html(&page(&ctx, view, &id, answer, &Invalid::default()).await?)?.into_response()),
    }
}

/// Faults of recipients belong to the field in which they were typed; the page has one field for all of a road.
fn on_page(mut invalid: Invalid) -> Invalid {
    for fault in &mut invalid.errors {
        let recipients = ["/to", "/recipients/", "/correspondents"];
        if recipients.iter().any(|start| fault.pointer.starts_with(start)) {
            fault.pointer = "/pec".into();
        }
    }
    invalid
}

async fn autosave(
    Who(ctx): Who,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Result<StatusCode, Fault> {
    answer::keep(&ctx, id_of(&id)?, &read_form(&pairs)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn preview(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    Ok(html(&page(&ctx, view, &id, read_form(&pairs), &Invalid::default()).await?)?.into_response())
}

impl Sampled for AnswerPage {
    fn samples(view: View) -> Vec<Self> {
        let case: CaseId = domain::ids::Id::from_u128(1);
        let hub = vec![
            Choice::new("c_prova", "Comune di Prova", "c_prova"),
            Choice::new("p_prova", "Provincia", ""),
        ];
        let mut answer = Answer { letter: "answer".into(), subject: "Prova".into(), ..Answer::default() };
        answer.to = vec![line("pec", "Prova Uno; prova@pec.prova.test")];
        let wrong = Invalid::one("/text", "required");
        vec![arrange(
            view,
            &case,
            answer,
            (vec![Choice::new("answer", "Risposta", "answer")], hub),
            "Gentile **Prova Uno**\n\nTesto <i>di prova</i>",
            &wrong,
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_answer_page_holds_in_both_languages_and_all_looks() {
        check_pages::<AnswerPage>();
    }

    #[test]
    fn recipients_are_read_line_by_line() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let pairs = vec![
            pair("hub", "c_prova"),
            pair("hub", "p_prova"),
            pair("pec", "Prova Uno; uno@pec.prova.test\n\n due@pec.prova.test "),
        ];
        let to = read_form(&pairs).to;
        let shown: Vec<_> =
            to.iter().map(|to| (to.channel.as_str(), to.name.as_str(), to.address.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("hub", "c_prova", "c_prova"),
                ("hub", "p_prova", "p_prova"),
                ("pec", "Prova Uno", "uno@pec.prova.test"),
                ("pec", "due@pec.prova.test", "due@pec.prova.test"),
            ]
        );
    }
}
