//! The registry clerk's desk through the router: drafts, forms that begin from an entry, proposed classes, the text
//! of a file before it is sent, filing in dossiers, sealed lists.

use super::{Door, form, good, metadata, multipart_type};
use app::use_cases::dossier::open::open_dossier;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::json;

impl Door {
    pub(super) async fn page(&self, path: &str) -> String {
        let (status, bytes) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        String::from_utf8(bytes).unwrap()
    }

    pub(super) async fn send_form(&self, path: &str, body: &str) -> (StatusCode, String) {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        let answer = self.ask(request.body(Body::from(format!("csrf=token&{body}"))).unwrap()).await;
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[tokio::test]
async fn a_draft_is_kept_given_back_and_thrown_away_with_the_number() {
    let door = Door::new().await;
    let text = |name: &'static str, value: &str| (name, None, value.as_bytes().to_vec());
    let fields = || {
        vec![
            text("csrf", "token"),
            text("aoo", "A1B2C3D"),
            text("direction", "incoming"),
            text("subject", "Bozza di prova"),
            text("correspondents/0/kind", "person"),
            text("correspondents/0/name", "Prova Tre"),
        ]
    };
    let send = async |parts: Vec<super::Part<'static>>| {
        let request = Request::post("/register/new").header("content-type", multipart_type());
        door.ask(request.body(Body::from(form(&parts))).unwrap()).await.status()
    };
    // Without script: the button.
    assert_eq!(send([fields(), vec![text("save", "1")]].concat()).await, StatusCode::SEE_OTHER);
    let page = door.page("/register/new").await;
    assert!(page.contains("Bozza di prova") && page.contains("Prova Tre"), "the draft is given back");
    // With script: in the background, in its place; an emptied form leaves none.
    let (status, _) = door.send_form("/register/new/draft", "subject=Altra+bozza").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(door.page("/register/new").await.contains("Altra bozza"));
    let (status, _) = door.send_form("/register/new/draft/discard", "").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(!door.page("/register/new").await.contains("Altra bozza"));
    // A number throws it away.
    door.send_form("/register/new/draft", "subject=Terza+bozza").await;
    let file = vec![("document", Some("a.txt"), b"Testo".to_vec())];
    assert_eq!(send([fields(), file].concat()).await, StatusCode::SEE_OTHER);
    assert!(!door.page("/register/new").await.contains("Terza bozza"));
    let stranger = Request::post("/register/new/draft").body(Body::from("subject=x")).unwrap();
    assert_eq!(door.ask(stranger).await.status(), StatusCode::FORBIDDEN, "no token, nothing kept");
}

#[tokio::test]
async fn a_form_begins_from_an_entry_and_leaves_a_draft_alone() {
    let door = Door::new().await;
    let (_, made) = door.register(good()).await;
    let id = made["id"].as_str().unwrap();
    door.send_form("/register/new/draft", "subject=Mia+bozza").await;
    let answer = door.page(&format!("/register/new?from={id}&as=answer")).await;
    assert!(answer.contains("Risposta a: Richiesta di occupazione suolo") && answer.contains("Prova Uno"));
    assert!(answer.contains("value=\"outgoing\" selected"), "the other direction");
    assert!(!answer.contains("data-autosave=") && answer.contains("other_draft"), "the draft is not touched");
    assert!(door.page("/register").await.contains("1 registrazione"), "the list says how many");
    assert!(door.page("/register?direction=outgoing").await.contains("0 registrazioni"));
    let (status, _) = door.get("/register/new?from=reg_00000000000000000000000000000009&as=same").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_is_read_before_it_is_sent_and_not_kept() {
    let door = Door::new().await;
    let ask = async |bytes: &'static [u8]| {
        let request = Request::post("/register/new/text").header("x-csrf-token", "token");
        let answer = door.ask(request.body(Body::from(bytes)).unwrap()).await;
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    assert!(ask(b"Si chiede <b>di prova</b>.").await.contains("Si chiede"));
    assert!(!ask(b"Si chiede <script>x</script>.").await.contains("<script>"));
    assert!(ask(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog").await.contains("danneggiato"));
    let (_, list) = door.get_json("/api/v1/registrations").await;
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn an_entry_is_put_in_a_dossier_by_its_code() {
    let door = Door::new().await;
    let (_, made) = door.register(vec![("metadata", None, metadata(|_| ())), good().remove(1)]).await;
    let id = made["id"].as_str().unwrap();
    let ctx = door.app.context(door.actor.clone());
    app::use_cases::scheme::import(&ctx, app::use_cases::scheme::MUNICIPAL.as_bytes()).await.unwrap();
    let new = serde_json::from_value(
        json!({"classification": "VI.3", "kind": "matter", "subject": "Via di prova"}),
    );
    let dossier = open_dossier(&ctx, new.unwrap()).await.unwrap();
    let path = format!("/register/{id}/dossier");
    let (status, _) = door.send_form(&path, "dossier=NIENTE").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let code = dossier.code.replace('/', "%2F");
    let (status, text) = door.send_form(&path, &format!("dossier={code}")).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    assert!(door.page(&format!("/register/{id}")).await.contains(&format!("/dossiers/{}", dossier.id)));
}

#[tokio::test]
async fn a_sealed_list_needs_the_seal_of_the_body() {
    let door = Door::new().await;
    door.register(good()).await;
    let (status, problem) = door.get_json("/api/v1/registrations/export?format=csv.p7m").await;
    assert_eq!(
        (status, problem["type"].as_str().is_some_and(|kind| kind.ends_with("no-seal"))),
        (StatusCode::CONFLICT, true),
        "{problem}"
    );
}

const OLD: &str = "NUMERO;DATA;TIPO;OGGETTO;CORRISPONDENTE\n7;31/12/2020;E;Vecchia istanza;Prova Uno\n\
    x;31/12/2020;E;Senza numero;Prova Due\n";

#[tokio::test]
async fn an_old_register_is_tried_shown_confirmed_and_reported() {
    let door = Door::new().await;
    let text = |name: &'static str, value: &str| (name, None, value.as_bytes().to_vec());
    let send = async |changed: (&'static str, &'static str)| {
        let mut parts = vec![text("csrf", "token"), text("place", "A1B2C3D RG")];
        let fields = [
            ("column_number", "NUMERO"),
            ("column_date", "DATA"),
            ("column_direction", "TIPO"),
            ("column_subject", "OGGETTO"),
            ("column_correspondents", "CORRISPONDENTE"),
            ("word_incoming", "E"),
        ];
        let value = |name, usual| if name == changed.0 { changed.1 } else { usual };
        parts.extend(fields.map(|(name, usual)| text(name, value(name, usual))));
        parts.push(("file", Some("vecchio.csv"), OLD.as_bytes().to_vec()));
        let request = Request::post("/register/import").header("content-type", multipart_type());
        let answer = door.ask(request.body(Body::from(form(&parts))).unwrap()).await;
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    };
    let (status, page) = send(("column_subject", "ARGOMENTO")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("ARGOMENTO"), "the column that is not there is named");
    assert_eq!(send(("", "")).await.0, StatusCode::SEE_OTHER);
    let tried = door.page("/register/import").await;
    assert!(tried.contains("0000007/2020") && tried.contains("Vecchia istanza"), "the first rows are shown");
    assert!(tried.contains("Numero di protocollo: "), "the faulty row says why");
    let (_, list) = door.get_json("/api/v1/registrations").await;
    assert_eq!(list["items"], json!([]), "a trial writes nothing");
    assert_eq!(door.send_form("/register/import/confirm", "").await.0, StatusCode::SEE_OTHER);
    while door.page("/register/import").await.contains("<progress") {
        tokio::task::yield_now().await;
    }
    let (_, list) = door.get_json("/api/v1/registrations").await;
    assert_eq!((&list["items"][0]["number"], &list["items"][0]["year"]), (&json!(7), &json!(2020)));

    let asked = json!({"aoo": "A1B2C3D", "register": "RG", "file": OLD, "trial": false, "mapping":
        "[columns]\nnumber='NUMERO'\ndate='DATA'\ndirection='TIPO'\nsubject='OGGETTO'\n\
         correspondents='CORRISPONDENTE'\n[directions]\nE='incoming'"});
    let (status, report) = door.post("/api/v1/register-imports", "application/json", asked.to_string()).await;
    let verdicts = (&report["items"][0]["verdict"], &report["items"][1]["verdict"]);
    assert_eq!((status, verdicts), (StatusCode::OK, (&json!("already_there"), &json!("faulty"))), "{report}");
}
