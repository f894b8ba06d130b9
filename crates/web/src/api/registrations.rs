//! Register entries: registering (multipart), reading, listing, annulling. Shapes are those of the contract.

use crate::error::{Fault, Problem};
use crate::routes::{Access, Entry};
use crate::who::Who;
use crate::{json, upload};
use app::use_cases::register::annul::annul;
use app::use_cases::register::assign::AssignTo;
use app::use_cases::register::list::{Line, list as list_entries};
use app::use_cases::register::read::{Attestation, Head, Opened, open};
use app::use_cases::register::register_document::{NewDocument, Registered, register_document};
use app::{Context, Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, Path, RawQuery};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::ids::RegistrationId;
use domain::register::{Correspondent, NewRegistration, RegisteredFile, Registration, legal_date};
use domain::register_filter::Filter;
use domain::{Invalid, Moment};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let read = Access::May(Verb::ReadRegister);
    vec![
        Entry::api(
            "POST",
            "/api/v1/registrations",
            Access::May(Verb::Register),
            // The limit is per file and in the settings; the body is streamed.
            post(create).layer(DefaultBodyLimit::disable()),
        ),
        Entry::api("GET", "/api/v1/registrations", read, get(list)),
        Entry::api("GET", "/api/v1/registrations/{id}", read, get(one)),
        Entry::api("POST", "/api/v1/registrations/{id}/annulment", Access::May(Verb::Annul), post(annulment)),
    ]
}

/// The description of these operations.
pub fn describe() -> utoipa::openapi::OpenApi {
    <Described as utoipa::OpenApi>::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(create, list, one, annulment))]
struct Described;

/// A file of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileAnswer {
    /// Id of the document.
    #[schema(max_length = 40)]
    id: String,
    /// SHA-256, hexadecimal.
    #[schema(max_length = 64)]
    sha256: String,
    /// Media type by content.
    #[schema(max_length = 200)]
    media_type: String,
    /// Size in bytes.
    #[schema(minimum = 0, maximum = 9007199254740991_u64)]
    size: u64,
    /// Name.
    #[schema(max_length = 200)]
    name: String,
    /// The attestation that it conforms to the paper it was made from, for scans.
    #[serde(skip_serializing_if = "Option::is_none")]
    attestation: Option<AttestationAnswer>,
}

/// Who attested that a file conforms to a paper.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttestationAnswer {
    /// The words.
    #[schema(max_length = 1000)]
    statement: String,
    /// The article they rest on.
    #[schema(max_length = 200)]
    norm: String,
    /// Who.
    #[schema(max_length = 400)]
    by: String,
    /// When.
    #[schema(format = "date-time", max_length = 40)]
    at: String,
}

impl From<RegisteredFile> for FileAnswer {
    fn from(file: RegisteredFile) -> Self {
        let RegisteredFile { id, sha256, media_type, size, name } = file;
        Self { id: id.to_string(), sha256, media_type, size, name, attestation: None }
    }
}

impl From<Attestation> for AttestationAnswer {
    fn from(it: Attestation) -> Self {
        let at = Moment::from_micros(it.at).rfc3339();
        Self { statement: it.statement, norm: it.norm, by: it.by_name, at }
    }
}

/// An entry as the API shows it. Of a confidential entry of others only number and date are there.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegistrationAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// Body.
    #[schema(max_length = 32)]
    body: String,
    /// Area.
    #[schema(max_length = 32)]
    aoo: String,
    /// Register.
    #[schema(max_length = 16)]
    register: String,
    /// Year.
    #[schema(minimum = 1, maximum = 9999)]
    year: i64,
    /// Number.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    number: i64,
    /// When it was registered.
    #[schema(format = "date-time", max_length = 40)]
    registered_at: String,
    /// Visible to named persons only.
    confidential: bool,
    /// What the entry holds; absent for who may see number and date only.
    #[serde(flatten)]
    content: Option<ContentAnswer>,
}

/// What an entry holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContentAnswer {
    /// `incoming`, `outgoing` or `internal`.
    #[schema(max_length = 8)]
    direction: &'static str,
    /// Subject in force.
    #[schema(max_length = 4000)]
    subject: String,
    /// Correspondents in force.
    #[schema(value_type = Vec<Object>, max_items = 500)]
    correspondents: Vec<Correspondent>,
    /// Class.
    #[schema(max_length = 32)]
    classification: Option<String>,
    /// Case.
    #[schema(max_length = 40)]
    case: Option<String>,
    /// Dossier.
    #[schema(max_length = 40)]
    dossier: Option<String>,
    /// Real arrival, if earlier.
    #[schema(format = "date-time", max_length = 40)]
    received_at: Option<String>,
    /// The date that counts in law.
    #[schema(format = "date", max_length = 10)]
    legal_date: String,
    /// Number and date given by the sender.
    #[schema(value_type = Option<Object>)]
    sender_reference: Option<domain::register::SenderReference>,
    /// Cancellation of the entry.
    #[schema(value_type = Option<Object>)]
    annulment: Option<domain::register::Annulment>,
    /// The main file.
    document: FileAnswer,
    /// The attachments.
    #[schema(max_items = 1000)]
    attachments: Vec<FileAnswer>,
    /// Where the segnatura is.
    #[schema(format = "uri-reference", max_length = 200)]
    segnatura_url: String,
    /// Where the receipt is.
    #[schema(format = "uri-reference", max_length = 200)]
    receipt_url: String,
}

/// An entry in the shape of the contract.
pub fn answer(entry: Registration) -> RegistrationAnswer {
    let url = |what: &str| format!("/api/v1/registrations/{}/{what}", entry.id);
    let (segnatura_url, receipt_url) = (url("segnatura.xml"), url("receipt.pdf"));
    let (legal, _) =
        legal_date(entry.direction, &entry.correspondents, entry.registered_at, entry.received_at);
    RegistrationAnswer {
        id: entry.id.to_string(),
        body: entry.body.to_string(),
        aoo: entry.aoo.to_string(),
        register: entry.register.to_string(),
        year: entry.year,
        number: entry.number,
        registered_at: rfc3339(entry.registered_at),
        confidential: entry.confidential,
        content: Some(ContentAnswer {
            direction: entry.direction.name(),
            subject: entry.subject,
            correspondents: entry.correspondents,
            classification: entry.classification,
            case: entry.case.map(|id| id.to_string()),
            dossier: entry.dossier.map(|id| id.to_string()),
            received_at: entry.received_at.map(rfc3339),
            legal_date: legal.to_string(),
            sender_reference: entry.sender_reference,
            annulment: entry.annulment,
            document: entry.document.into(),
            attachments: entry.attachments.into_iter().map(FileAnswer::from).collect(),
            segnatura_url,
            receipt_url,
        }),
    }
}

fn number_only(head: Head) -> RegistrationAnswer {
    RegistrationAnswer {
        id: head.id.to_string(),
        body: head.body.to_string(),
        aoo: head.aoo.to_string(),
        register: head.register.to_string(),
        year: head.year,
        number: head.number,
        registered_at: Moment::from_micros(head.registered_at).rfc3339(),
        confidential: true,
        content: None,
    }
}

fn rfc3339(at: Timestamp) -> String {
    Moment::new(at).rfc3339()
}

/// The parts of a registration request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the multipart form to the API documentation")]
pub struct RegistrationForm {
    /// The data of the entry, JSON.
    #[schema(value_type = Object)]
    metadata: String,
    /// The main file.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    document: String,
    /// The attachments, in order.
    attachment: Vec<String>,
}

/// Registers a document.
#[utoipa::path(post, path = "/api/v1/registrations", operation_id = "create_registration", tag = "registrations",
    request_body(content = RegistrationForm, content_type = "multipart/form-data"),
    params(("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    responses((status = 201, body = RegistrationAnswer),
        (status = 200, body = RegistrationAnswer, description = "Repetition of a request already carried out"),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn create(
    Who(ctx): Who,
    headers: HeaderMap,
    parts: Result<Multipart, MultipartRejection>,
) -> Result<Response, Fault> {
    let parts = parts.map_err(|_| Fault::UnsupportedMedia)?;
    let mut what = read_parts(&ctx, parts).await?;
    what.idempotency_key = idempotency_key(&headers)?;
    match register_document(&ctx, what).await? {
        Registered::New(entry) => Ok(created(StatusCode::CREATED, answer(*entry))),
        Registered::Before(id) => Ok(created(StatusCode::CREATED, show(open(&ctx, id).await?))),
    }
}

fn created(status: StatusCode, body: RegistrationAnswer) -> Response {
    let location = format!("/api/v1/registrations/{}", body.id);
    (status, [(header::LOCATION, location)], Json(body)).into_response()
}

/// The key under which a repetition gets the same answer.
///
/// # Errors
/// `BadRequest` when it is not plain text.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    value.to_str().map(|key| Some(key.to_owned())).map_err(|_| Fault::BadRequest("bad-header"))
}

async fn read_parts(ctx: &Context, mut parts: Multipart) -> Result<NewDocument, Fault> {
    let (mut metadata, mut document, mut attachments) = (None, None, Vec::new());
    while let Some(part) = upload::next_part(&mut parts).await? {
        match part.name().unwrap_or_default() {
            "metadata" if metadata.is_none() => metadata = Some(upload::text_part(part, "/metadata").await?),
            "document" if document.is_none() => {
                document = Some(upload::file_part(ctx, part, "/document").await?);
            }
            "attachment" if attachments.len() < ctx.app.settings.max_files => {
                let pointer = format!("/attachments/{}", attachments.len());
                attachments.push(upload::file_part(ctx, part, &pointer).await?);
            }
            "attachment" => {
                return Err(Invalid::with(
                    "/attachments",
                    "too-many",
                    ctx.app.settings.max_files.to_string(),
                )
                .into());
            }
            "metadata" | "document" => {
                return Err(
                    Invalid::one(format!("/{}", part.name().unwrap_or_default()), "part-twice").into()
                );
            }
            other => {
                let name: String = other.chars().take(40).collect();
                return Err(Invalid::with(format!("/{name}"), "unknown-field", name).into());
            }
        }
    }
    let mut missing = Invalid::default();
    for (pointer, absent) in [("/metadata", metadata.is_none()), ("/document", document.is_none())] {
        if absent {
            missing.add(pointer, "required");
        }
    }
    let (Some(metadata), Some(document)) = (metadata, document) else { return Err(missing.into()) };
    let Metadata { new, assignments } = Metadata::read(&metadata)?;
    Ok(NewDocument { new, document, attachments, assignments, idempotency_key: None })
}

/// The metadata part: the data of the entry and, if wanted, to whom it goes at once.
pub(super) struct Metadata {
    pub(super) new: NewRegistration,
    pub(super) assignments: Vec<AssignTo>,
}

impl Metadata {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut whole: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|_| Fault::BadRequest("bad-json"))?;
        let assignments = whole.as_object_mut().and_then(|fields| fields.remove("assignments"));
        let again = |value: &serde_json::Value| value.to_string().into_bytes();
        let assignments = match assignments {
            Some(list) => json::read(&again(&list)).map_err(|_| Invalid::one("/assignments", "bad-value"))?,
            None => Vec::new(),
        };
        Ok(Self { new: json::read(&again(&whole))?, assignments })
    }
}

/// One entry.
#[utoipa::path(get, path = "/api/v1/registrations/{id}", operation_id = "read_registration", tag = "registrations",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = RegistrationAnswer),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn one(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<RegistrationAnswer>, Fault> {
    Ok(Json(show(open(&ctx, registration_id(&id)?).await?)))
}

fn show(opened: Opened) -> RegistrationAnswer {
    match opened {
        Opened::Whole(entry) => {
            let mut shown = answer(entry.registration);
            for it in entry.attestations {
                let content = shown.content.iter_mut();
                let mut files =
                    content.flat_map(|all| std::iter::once(&mut all.document).chain(&mut all.attachments));
                if let Some(file) = files.find(|file| file.id == it.document.as_str()) {
                    file.attestation = Some(it.into());
                }
            }
            shown
        }
        Opened::NumberOnly(head) => number_only(*head),
    }
}

/// Reads an id of the path; what is not one names nothing.
///
/// # Errors
/// `NotFound`.
pub fn registration_id(text: &str) -> Result<RegistrationId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

/// A line of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// Body.
    #[schema(max_length = 32)]
    body: String,
    /// Area.
    #[schema(max_length = 32)]
    aoo: String,
    /// Register.
    #[schema(max_length = 16)]
    register: String,
    /// Year.
    #[schema(minimum = 1, maximum = 9999)]
    year: i64,
    /// Number.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    number: i64,
    /// When it was registered.
    #[schema(format = "date-time", max_length = 40)]
    registered_at: String,
    /// Visible to named persons only.
    confidential: bool,
    /// What the line tells; absent for who may see number and date only.
    #[serde(flatten)]
    #[schema(value_type = LineContent)]
    content: Option<LineContent>,
}

/// What a line tells of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineContent {
    /// Direction.
    #[schema(required = false, max_length = 8)]
    direction: &'static str,
    /// Subject in force.
    #[schema(required = false, max_length = 4000)]
    subject: String,
    /// Name of the first correspondent.
    #[schema(required = false, max_length = 400)]
    correspondent: String,
    /// How many correspondents.
    #[schema(required = false, minimum = 0, maximum = 500)]
    correspondent_count: i64,
    /// Class.
    #[schema(max_length = 32)]
    classification: Option<String>,
    /// Cancelled.
    #[schema(required = false)]
    annulled: bool,
    /// How many files, the main one included.
    #[schema(required = false, minimum = 1, maximum = 1000)]
    file_count: i64,
    /// Dossier.
    #[schema(max_length = 40)]
    dossier: Option<String>,
}

/// A page of lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinePage {
    /// The lines, newest first.
    #[schema(max_items = 200)]
    items: Vec<LineAnswer>,
    /// Where to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 400)]
    next: Option<String>,
}

/// Lists and searches entries, newest first.
#[utoipa::path(get, path = "/api/v1/registrations", operation_id = "list_registrations", tag = "registrations",
    params(("body" = Option<String>, Query, max_length = 32), ("year" = Option<i64>, Query, minimum = 1900, maximum = 9999),
        ("from_number" = Option<i64>, Query, minimum = 1, maximum = 9007199254740991_i64),
        ("to_number" = Option<i64>, Query, minimum = 1, maximum = 9007199254740991_i64),
        ("q" = Option<String>, Query, max_length = 200), ("from" = Option<String>, Query, max_length = 10),
        ("to" = Option<String>, Query, max_length = 10), ("direction" = Option<String>, Query, max_length = 8),
        ("correspondent" = Option<String>, Query, max_length = 200),
        ("classification" = Option<String>, Query, max_length = 32), ("unit" = Option<String>, Query, max_length = 40),
        ("assigned_to" = Option<String>, Query, max_length = 40), ("annulled" = Option<String>, Query, max_length = 5),
        ("with_attachments" = Option<String>, Query, max_length = 5),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query, max_length = 400)),
    responses((status = 200, body = LinePage), (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn list(Who(ctx): Who, RawQuery(query): RawQuery) -> Result<Json<LinePage>, Fault> {
    let asked = ListQuery::read(query.as_deref().unwrap_or_default())?;
    if asked.body.as_ref().is_some_and(|body| body != ctx.actor.body.as_str()) {
        return Err(Error::NotFound.into());
    }
    let page = list_entries(&ctx, asked.filter, asked.cursor.as_deref(), asked.limit).await?;
    let body = ctx.actor.body.to_string();
    Ok(Json(LinePage {
        items: page.lines.into_iter().map(|line| shown(line, &body)).collect(),
        next: page.next,
    }))
}

fn shown(line: Line, body: &str) -> LineAnswer {
    let content = LineContent {
        direction: line.direction.name(),
        subject: line.subject,
        correspondent: line.correspondent,
        correspondent_count: line.correspondents,
        classification: line.class,
        annulled: line.annulled,
        file_count: line.files,
        dossier: line.dossier.map(|id| id.to_string()),
    };
    LineAnswer {
        id: line.id.to_string(),
        body: body.to_owned(),
        aoo: line.aoo.to_string(),
        register: line.register.to_string(),
        year: line.year,
        number: line.number,
        registered_at: Moment::from_micros(line.registered_at).rfc3339(),
        confidential: line.confidential,
        content: (!line.hidden).then_some(content),
    }
}

/// The query string of a list: filters, and how to page.
pub struct ListQuery {
    /// Filters.
    pub filter: Filter,
    /// Body, when named.
    pub body: Option<String>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// How many lines.
    pub limit: usize,
}

impl ListQuery {
    /// Reads a query string; names it does not know are refused.
    ///
    /// # Errors
    /// `Invalid` with the pointer of each bad parameter.
    pub fn read(query: &str) -> Result<Self, Fault> {
        let pairs: Vec<(String, String)> =
            crate::forms::pairs(query.as_bytes()).ok_or(Fault::BadRequest("bad-query"))?;
        let mut faults = Invalid::default();
        let (mut body, mut cursor, mut limit) = (None, None, 50);
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "body" => body = Some(value.clone()),
                "cursor" => cursor = Some(value.clone()),
                "limit" => match value.parse() {
                    Ok(number) => limit = number,
                    Err(_) => {
                        faults.add_with("/limit", "limit-1-200", value.chars().take(20).collect::<String>())
                    }
                },
                known if Filter::NAMES.contains(&known) => {}
                other => {
                    let name: String = other.chars().take(40).collect();
                    faults.add_with(format!("/{name}"), "unknown-field", name);
                }
            }
        }
        let filter = Filter::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let filter = filter.unwrap_or_else(|found| {
            faults.errors.extend(found.errors);
            Filter::default()
        });
        Ok(Self { filter: faults.or(filter)?, body, cursor, limit })
    }
}

/// Why and by which act an entry is annulled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnulmentRequest {
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
    /// Act of the records manager.
    #[schema(max_length = 1000)]
    order_reference: String,
}

/// Annuls an entry.
#[utoipa::path(post, path = "/api/v1/registrations/{id}/annulment", operation_id = "annul_registration", tag = "registrations",
    params(("id" = String, Path, max_length = 40)), request_body = AnnulmentRequest,
    responses((status = 200, body = RegistrationAnswer),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn annulment(
    Who(ctx): Who,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<RegistrationAnswer>, Fault> {
    let id = registration_id(&id)?;
    let asked: AnnulmentRequest = json::read(&body)?;
    annul(&ctx, id.clone(), asked.reason, asked.order_reference).await?;
    Ok(Json(show(open(&ctx, id).await?)))
}
