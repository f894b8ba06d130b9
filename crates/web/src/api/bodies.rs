//! Bodies, their areas, registers and offices; who took over from whom.

use crate::error::{Fault, Problem};
use crate::routes::{Access, Entry};
use crate::who::Who;
use app::use_cases::bodies as use_case;
use axum::Json;
use axum::extract::{Path, Query};
use axum::routing::get;
use domain::body::Body;
use domain::succession::Succession;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![
        Entry::api("GET", "/api/v1/bodies", Access::Signed, get(list)),
        Entry::api("GET", "/api/v1/bodies/{ipa_code}", Access::Signed, get(read)),
        Entry::api("GET", "/api/v1/bodies/{ipa_code}/heirs", Access::Signed, get(heirs)),
    ]
}

/// The description of these operations.
pub fn describe() -> utoipa::openapi::OpenApi {
    <Described as utoipa::OpenApi>::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(list, read, heirs))]
struct Described;

/// A body as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BodyAnswer {
    /// Code in IPA.
    #[schema(max_length = 32)]
    ipa_code: String,
    /// Name in force.
    #[schema(max_length = 400)]
    name: String,
    /// Tax code.
    #[schema(max_length = 11)]
    tax_code: Option<String>,
    /// Kind.
    #[schema(max_length = 20)]
    kind: &'static str,
    /// Certified-mail address.
    #[schema(max_length = 254)]
    digital_domicile: Option<String>,
    /// Areas with their registers.
    #[schema(max_items = 1000)]
    aoos: Vec<AooAnswer>,
    /// Offices.
    #[schema(max_items = 10_000)]
    offices: Vec<OfficeAnswer>,
    /// Heir, when it ceased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 32)]
    succeeded_by: Option<String>,
    /// First day.
    #[schema(format = "date", max_length = 10)]
    valid_from: String,
    /// Last day, when it ceased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date", max_length = 10)]
    valid_to: Option<String>,
}

/// An area.
#[derive(Debug, Serialize, ToSchema)]
pub struct AooAnswer {
    /// Code.
    #[schema(max_length = 32)]
    code: String,
    /// Name.
    #[schema(max_length = 400)]
    name: String,
    /// Its registers, the general one first.
    #[schema(max_items = 100)]
    registers: Vec<NamedCode>,
}

/// A code with its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedCode {
    /// Code.
    #[schema(max_length = 32)]
    code: String,
    /// Name.
    #[schema(max_length = 400)]
    name: String,
}

/// An office.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfficeAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// Code.
    #[schema(max_length = 32)]
    code: String,
    /// Name.
    #[schema(max_length = 400)]
    name: String,
    /// Office above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40)]
    parent: Option<String>,
}

/// A page of bodies.
#[derive(Debug, Serialize, ToSchema)]
pub struct BodyPage {
    /// The bodies.
    #[schema(max_items = 200)]
    items: Vec<BodyAnswer>,
    /// Where to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 400)]
    next: Option<String>,
}

/// Which bodies.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BodyQuery {
    /// Words of a present or former name.
    #[param(max_length = 200)]
    q: Option<String>,
    /// How many, 1–200; 50 when absent.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Where to go on.
    #[param(max_length = 400)]
    cursor: Option<String>,
}

/// Lists bodies.
#[utoipa::path(get, path = "/api/v1/bodies", operation_id = "list_bodies", tag = "bodies", params(BodyQuery),
    responses((status = 200, body = BodyPage), (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn list(
    Who(ctx): Who,
    query: Result<Query<BodyQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<BodyPage>, Fault> {
    let Query(query) = query.map_err(|_| Fault::BadRequest("bad-query"))?;
    let limit = query.limit.unwrap_or(50);
    let page = match query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
        Some(words) => use_case::search(&ctx, words, limit).await.map(|found| (found, None))?,
        None => use_case::list(&ctx, query.cursor.as_deref(), limit).await?,
    };
    Ok(Json(BodyPage { items: page.0.into_iter().map(answer).collect(), next: page.1 }))
}

/// One body.
#[utoipa::path(get, path = "/api/v1/bodies/{ipa_code}", operation_id = "read_body", tag = "bodies",
    params(("ipa_code" = String, Path, max_length = 32)),
    responses((status = 200, body = BodyAnswer), (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn read(Who(ctx): Who, Path(code): Path<String>) -> Result<Json<BodyAnswer>, Fault> {
    Ok(Json(answer(use_case::find(&ctx, &code).await?)))
}

/// Whom to write to instead.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeirAnswer {
    /// The heir.
    body: BodyAnswer,
    /// Why: the act.
    #[schema(max_length = 200)]
    law: String,
    /// Since when.
    #[schema(format = "date", max_length = 10)]
    since: String,
    /// The function that passed, when not everything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    function: Option<String>,
}

/// For which function.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HeirQuery {
    /// Name of the function, e.g. `forest_fires`.
    #[param(max_length = 100)]
    function: Option<String>,
}

/// The heirs of a body today.
#[utoipa::path(get, path = "/api/v1/bodies/{ipa_code}/heirs", operation_id = "list_heirs", tag = "bodies",
    params(("ipa_code" = String, Path, max_length = 32), HeirQuery),
    responses((status = 200, body = Vec<HeirAnswer>), (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn heirs(
    Who(ctx): Who,
    Path(code): Path<String>,
    Query(query): Query<HeirQuery>,
) -> Result<Json<Vec<HeirAnswer>>, Fault> {
    let found = use_case::heirs(&ctx, &code, query.function.as_deref()).await?;
    let heir = |(Succession { law, since, function, .. }, body)| HeirAnswer {
        body: answer(body),
        law,
        since: since.to_string(),
        function,
    };
    Ok(Json(found.into_iter().map(heir).collect()))
}

fn answer(body: Body) -> BodyAnswer {
    let aoo = |aoo: domain::body::Aoo| AooAnswer {
        code: aoo.code.to_string(),
        name: aoo.name,
        registers: aoo
            .registers
            .into_iter()
            .map(|register| NamedCode { code: register.code.to_string(), name: register.name })
            .collect(),
    };
    let office = |unit: domain::body::Unit| OfficeAnswer {
        id: unit.id.to_string(),
        code: unit.code,
        name: unit.name,
        parent: unit.parent.map(|parent| parent.to_string()),
    };
    BodyAnswer {
        ipa_code: body.ipa_code.to_string(),
        name: body.name,
        tax_code: body.tax_code,
        kind: body.kind.name(),
        digital_domicile: body.digital_domicile,
        aoos: body.aoos.into_iter().map(aoo).collect(),
        offices: body.offices.into_iter().map(office).collect(),
        succeeded_by: body.succeeded_by.map(|heir| heir.to_string()),
        valid_from: body.valid_from.to_string(),
        valid_to: body.valid_to.map(|day| day.to_string()),
    }
}
