//! The description of the interface: `/openapi.json` for programs, `/api/docs` for people.
//!
//! The slices describe their own operations; here they are joined and given what all share: server, contact,
//! the ways to sign in, the problems every operation may answer. The result follows the Italian rules for APIs
//! (checked by `tools/oas_lint.sh` of the shared folder and by the tests below).

use std::sync::OnceLock;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::error::{Problem, ProblemField};
use crate::pages::{Page, html};
use crate::routes::{self, Access, Entry};
use crate::state::AppState;
use crate::view::{Sampled, View};

/// The descriptions of every slice, in the order of the documentation.
const SLICES: &[fn() -> OpenApi] = &[
    super::accounts::describe,
    super::answers::describe,
    super::bodies::describe,
    super::cases::describe,
    super::dossiers::describe,
    super::dossier_acts::describe,
    super::emergency::describe,
    super::own_account::describe,
    super::papers::describe,
    super::deliveries::describe,
    super::inbound_messages::describe,
    super::registrations::describe,
    super::registration_acts::describe,
    super::register_imports::describe,
    super::scans::describe,
    super::status::describe,
    super::templates::describe,
    super::verifications::describe,
    super::worklist::describe,
];

/// Methods of an OpenAPI path item.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![
        Entry::page("GET", "/openapi.json", Access::Public, get(as_json)),
        Entry::page("GET", "/api/docs", Access::Public, get(as_page)),
    ]
}

/// The whole description, for a server at this address; made once per process.
pub fn document(public_url: &str) -> &'static Value {
    static MADE: OnceLock<Value> = OnceLock::new();
    MADE.get_or_init(|| join(public_url))
}

async fn as_json(State(state): State<AppState>) -> Response {
    Json(document(&state.app.settings.public_url)).into_response()
}

async fn as_page(State(state): State<AppState>, view: View) -> Page {
    html(&Docs::new(view, document(&state.app.settings.public_url)))
}

fn join(public_url: &str) -> Value {
    let mut whole = Base::openapi();
    for slice in SLICES {
        whole.merge(slice());
    }
    let mut value = serde_json::to_value(&whole).unwrap_or_default();
    value["info"] = info();
    value["servers"] = servers(public_url);
    value["tags"] = tags(&value);
    value["components"]["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "A token of an account or of an integrator." }
    });
    if let Some(paths) = value["paths"].as_object_mut() {
        for (path, item) in paths {
            for method in METHODS {
                if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                    complete(operation, access(method, path));
                }
            }
        }
    }
    value
}

/// What the slices have in common: the shape of a problem.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(Problem, ProblemField)))]
struct Base;

fn info() -> Value {
    json!({
        "title": "Telaio",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Registers, documents and exchange for public bodies.",
        "x-summary": "Protocollo informatico, fascicoli e scambio di atti fra enti pubblici.",
        "x-api-id": "telaio",
        "description": "Everything that people do on the pages, for programs. Times are RFC 3339 with offset, dates \
            YYYY-MM-DD. Lists are paged by an opaque cursor. `Idempotency-Key` is honoured by every POST that creates. \
            A 2xx answer to a write means: on durable storage.",
        "termsOfService": "https://eupl.eu/1.2/it/",
        "contact": { "name": "The Telaio developers", "url": "https://github.com/prato-full-digital/telaio" },
        "license": { "name": "EUPL-1.2", "url": "https://eupl.eu/1.2/it/" },
    })
}

/// The groups that operations name, so that none is undeclared.
fn tags(value: &Value) -> Value {
    let items = value["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = items.filter_map(Value::as_object).flat_map(Map::values);
    let names = operations.filter_map(|operation| operation["tags"].as_array()).flatten();
    let names: std::collections::BTreeSet<&str> = names.filter_map(Value::as_str).collect();
    names
        .into_iter()
        .map(|name| json!({ "name": name, "description": format!("Operations on {name}.") }))
        .collect()
}

fn servers(public_url: &str) -> Value {
    match public_url.starts_with("https://") {
        true => json!([{ "url": public_url, "description": "Production" }]),
        false => {
            json!([{ "url": public_url, "description": "Demonstration on this machine", "x-sandbox": true }])
        }
    }
}

/// The rule of the route behind an operation; none when nobody serves it (a test forbids that).
fn access(method: &str, path: &str) -> Option<Access> {
    let entries = routes::table();
    entries.iter().find(|e| e.path == path && e.method.eq_ignore_ascii_case(method)).map(|e| e.access)
}

/// Adds what every operation shares and no slice should repeat.
fn complete(operation: &mut Map<String, Value>, access: Option<Access>) {
    let open = access == Some(Access::Public);
    operation.insert("security".to_owned(), if open { json!([]) } else { json!([{ "bearer": [] }]) });
    let takes_content = operation.contains_key("requestBody");
    let takes_input = takes_content || operation.contains_key("parameters");
    let Some(answers) = operation.entry("responses").or_insert_with(|| json!({})).as_object_mut() else {
        return;
    };
    let mut add = |status: &str, text: &str| {
        answers.entry(status.to_owned()).or_insert_with(|| problem(text));
    };
    if takes_content {
        add("415", "The type of the content is not one of those described.");
    }
    if takes_input {
        add("404", "There is no such thing, or the account may not know of it.");
        add("400", "The request is not understood.");
        add("422", "Some data must be corrected; `errors` names the fields.");
        add("507", "No space left: nothing of the request was kept. Repeat it once there is room.");
    }
    // Also where none is asked for: a token that is not valid is told, not passed over.
    add("401", "No token, or one that is not valid.");
    if !open {
        add("403", "The account's roles do not permit this.");
    }
    add("429", "Too many requests.");
    add("500", "An error of the program or damaged data; `trace_id` is what to tell whoever runs it.");
    add("503", "Something the program leans on does not answer; nothing was lost.");
    for (status, answer) in answers.iter_mut() {
        described(status, answer);
        with_common_headers(status, answer);
    }
    if let (None, Some(summary)) = (operation.get("description"), operation.get("summary").cloned()) {
        operation.insert("description".to_owned(), summary);
    }
}

/// Says what a status means where the slice had nothing of its own to say.
fn described(status: &str, answer: &mut Value) {
    if answer["description"].as_str().is_some_and(|text| !text.is_empty()) {
        return;
    }
    answer["description"] = json!(match status {
        "200" => "What was asked for.",
        "201" => "Made, and on durable storage.",
        "202" => "Taken in charge, and on durable storage.",
        "204" => "Done, and on durable storage.",
        "400" => "The request is not understood.",
        "403" => "The account's roles do not permit this.",
        "404" => "There is no such thing, or the account may not know of it.",
        "409" => "The state of things, or a rule of law, does not permit this now; `type` says which.",
        "413" => "Too large: the limits stand in `detail`.",
        "422" => "Some data must be corrected; `errors` names the fields.",
        _ => "See `detail`.",
    });
}

fn problem(text: &str) -> Value {
    json!({
        "description": text,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

/// 429, 503 and 507 say when to come back.
fn with_common_headers(status: &str, answer: &mut Value) {
    if !matches!(status, "429" | "503" | "507") {
        return;
    }
    let header = json!({
        "description": "Seconds to wait before trying again.",
        "schema": { "type": "integer", "format": "int32", "minimum": 0, "maximum": 86_400 },
    });
    answer["headers"]["Retry-After"] = header;
}

/// The documentation for people: one section per operation, from the same description.
#[derive(Template)]
#[template(path = "pages/api_docs.html")]
pub struct Docs {
    /// Chrome.
    pub view: View,
    /// One section for each operation.
    pub operations: Vec<Operation>,
}

/// One operation as people read it.
pub struct Operation {
    /// Place in the page.
    pub anchor: String,
    /// Method, upper case.
    pub method: String,
    /// Path.
    pub path: String,
    /// One line.
    pub summary: String,
    /// The rest.
    pub description: String,
    /// Name, where it stands and what it means, of each parameter.
    pub parameters: Vec<[String; 3]>,
    /// Status and meaning of each answer.
    pub answers: Vec<[String; 2]>,
    /// Key of the sentence that says who may.
    pub access: &'static str,
}

impl Docs {
    fn new(view: View, document: &Value) -> Self {
        let empty = Map::new();
        let paths = document["paths"].as_object().unwrap_or(&empty);
        let of_path = |(path, item): (&String, &Value)| {
            let known = METHODS.into_iter().filter(|method| item.get(method).is_some());
            known.map(|method| operation(method, path, &item[method])).collect::<Vec<_>>()
        };
        Self { view, operations: paths.iter().flat_map(of_path).collect() }
    }
}

fn operation(method: &str, path: &str, value: &Value) -> Operation {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let parameters = value["parameters"].as_array().cloned().unwrap_or_default();
    let answers = value["responses"].as_object().cloned().unwrap_or_default();
    Operation {
        anchor: format!("{method}{}", path.replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(value, "summary"),
        description: text(value, "description"),
        parameters: parameters
            .iter()
            .map(|p| [text(p, "name"), text(p, "in"), text(p, "description")])
            .collect(),
        answers: answers.iter().map(|(status, a)| [status.clone(), text(a, "description")]).collect(),
        access: if value["security"] == json!([]) { "api-access-open" } else { "api-access-token" },
    }
}

impl Sampled for Docs {
    fn samples(view: View) -> Vec<Self> {
        vec![Self::new(view, document("http://localhost:8080"))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Kind;
    use crate::view::testing::check_pages;
    use std::collections::BTreeSet;

    #[test]
    fn every_resource_is_described_and_every_description_is_served() {
        let value = join("https://telaio.example");
        let of_path = |(path, item): (&String, &Value)| {
            let methods = METHODS.into_iter().filter(|method| item.get(method).is_some());
            methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
        };
        let told: BTreeSet<String> = value["paths"].as_object().unwrap().iter().flat_map(of_path).collect();
        let served: BTreeSet<String> = routes::table()
            .iter()
            .filter(|entry| entry.kind == Kind::Api)
            .map(|entry| format!("{} {}", entry.method, entry.path))
            .collect();
        assert_eq!(told, served);
    }

    #[test]
    fn every_operation_has_its_own_name_a_summary_and_the_common_problems() {
        let value = join("https://telaio.example");
        let mut names = BTreeSet::new();
        for (path, item) in value["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap().to_owned();
                assert!(names.insert(name.clone()), "{name} stands twice");
                assert!(operation["summary"].is_string(), "{path}: no summary");
                assert!(operation["description"].is_string(), "{path}: no description");
                assert!(operation["responses"]["429"]["headers"]["Retry-After"].is_object(), "{path}");
                for (status, answer) in operation["responses"].as_object().unwrap() {
                    assert!(answer["description"].is_string(), "{path}: {status} is not described");
                }
            }
        }
    }

    /// Two shapes of one name would silently become one.
    #[test]
    fn a_name_of_a_shape_stands_for_one_shape() {
        let mut known = std::collections::BTreeMap::new();
        for slice in SLICES {
            let value = serde_json::to_value(slice()).unwrap();
            for (name, shape) in value["components"]["schemas"].as_object().into_iter().flatten() {
                let first = known.entry(name.clone()).or_insert_with(|| shape.clone());
                assert_eq!(first, shape, "{name}");
            }
        }
    }

    /// The Italian rules want it, so that programs know how large a number may be.
    #[test]
    fn every_whole_number_names_its_format() {
        fn look(value: &Value, place: &str) {
            if value["type"] == json!("integer") || value["type"] == json!(["integer", "null"]) {
                assert!(value["format"].is_string(), "{place} has no format");
            }
            match value {
                Value::Object(parts) => {
                    parts.iter().for_each(|(key, part)| look(part, &format!("{place}/{key}")))
                }
                Value::Array(parts) => parts.iter().for_each(|part| look(part, place)),
                _ => {}
            }
        }
        look(&join("https://telaio.example"), "");
    }

    #[test]
    fn a_server_without_tls_is_marked_as_a_sandbox() {
        assert_eq!(servers("http://localhost:8080")[0]["x-sandbox"], json!(true));
        assert!(servers("https://telaio.example")[0].get("x-sandbox").is_none());
    }

    #[test]
    fn the_documentation_holds_in_both_languages_and_all_looks() {
        check_pages::<Docs>();
    }
}
