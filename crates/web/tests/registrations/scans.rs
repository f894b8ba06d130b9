//! Scans through the router: uploaded on the page or by the API, attested in the form of a new registration, shown on
//! the entry and in its answer.

use super::{Door, form, multipart_type};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::json;

/// A picture by its first bytes.
fn picture(n: u8) -> Vec<u8> {
    [&[0xff, 0xd8, 0xff, 0xe0, 0, 16][..], b"JFIF\0", &[n; 40], &[0xff, 0xd9]].concat()
}

#[tokio::test]
async fn pages_take_scans_ask_for_the_attestation_and_register_with_it() {
    let door = Door::new().await;
    let send = async |path: &'static str, parts: Vec<super::Part<'static>>| {
        let request = Request::post(path).header("content-type", multipart_type());
        let answer = door.ask(request.body(Body::from(form(&parts))).unwrap()).await;
        let (status, place) = (answer.status(), answer.headers().get(header::LOCATION).cloned());
        let text = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let place = place.map(|place| place.to_str().unwrap().to_owned()).unwrap_or_default();
        (status, place, String::from_utf8_lossy(&text).into_owned())
    };
    let text = |name: &'static str, value: &str| (name, None, value.as_bytes().to_vec());
    let csrf = text("csrf", "token");
    // One good and one bad file: the good one is taken, the bad one named.
    let files = vec![
        csrf.clone(),
        ("document", Some("carta.jpg"), picture(1)),
        ("document", Some("pagina.html"), b"<html>".to_vec()),
    ];
    let (status, _, page) = send("/scans", files).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("carta.jpg") && page.contains("TIFF"), "{page}");
    let foreign = send("/scans", vec![("document", Some("carta.jpg"), picture(2))]).await;
    assert_eq!(foreign.0, StatusCode::FORBIDDEN);

    let (_, listed) = door.get_json("/api/v1/scans").await;
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    let (_, bytes) = door.get(&format!("/scans/{id}/content?inline")).await;
    assert_eq!(bytes, picture(1));
    let (_, page) = door.get(&format!("/register/new?scan={id}")).await;
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("previo raffronto") && page.contains(&format!("value=\"{id}\"")), "{page}");

    let fields = || {
        vec![
            csrf.clone(),
            text("scan", &id),
            text("aoo", "A1B2C3D"),
            text("direction", "incoming"),
            text("subject", "Carta scansionata"),
            text("correspondents/0/kind", "person"),
            text("correspondents/0/name", "Prova Tre"),
        ]
    };
    let (status, _, page) = send("/register/new", fields()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "not without the attestation");
    assert!(page.contains("f-attested-fault") && page.contains("Carta scansionata"), "what was typed stays");
    let attested = [fields(), vec![text("attested", "true")]].concat();
    let (status, place, _) = send("/register/new", attested).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let entry = place.trim_end_matches("/registered").to_owned();
    let (_, page) = door.get(&entry).await;
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("Conformità attestata") && page.contains("previo raffronto"), "{page}");
    let (_, answer) =
        door.get_json(&format!("/api/v1/registrations/{}", entry.trim_start_matches("/register/"))).await;
    assert_eq!(answer["document"]["attestation"]["norm"], "D.Lgs. 82/2005, art. 22");
    let (_, gone) = door.get_json("/api/v1/scans").await;
    assert_eq!(gone["items"], json!([]));
}

#[tokio::test]
async fn programs_hand_over_attest_and_set_aside() {
    let door = Door::new().await;
    let hand = async |bytes: Vec<u8>| {
        let parts = vec![("document", Some("../../etc/carta.jpg"), bytes)];
        door.post("/api/v1/scans", &multipart_type(), form(&parts)).await
    };
    let (status, scan) = hand(picture(1)).await;
    assert_eq!((status, scan["name"].as_str()), (StatusCode::CREATED, Some("carta.jpg")));
    assert_eq!(hand(picture(1)).await.1["id"], scan["id"], "the same bytes wait once");
    let (status, problem) = hand(b"GIF89a".to_vec()).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/document"))
    );

    let place = format!("/api/v1/scans/{}", scan["id"].as_str().unwrap());
    let metadata = json!({
        "body": super::BODY, "aoo": "A1B2C3D", "direction": "incoming", "subject": "Carta",
        "correspondents": [{"kind": "person", "name": "Prova Tre"}], "classification": null,
    });
    let register = async |attested: bool| {
        let body = json!({"metadata": metadata, "attested": attested}).to_string();
        door.post(&format!("{place}/registration"), "application/json", body).await
    };
    assert_eq!(register(false).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, made) = register(true).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(register(true).await.1["registration"], made["registration"]);
    let (_, shown) = door.get_json(&place).await;
    assert_eq!((&shown["state"], &shown["registration"]), (&json!("registered"), &made["registration"]));

    let (_, other) = hand(picture(2)).await;
    let aside = format!("/api/v1/scans/{}/discard", other["id"].as_str().unwrap());
    let discard = async |body: &'static str| door.post(&aside, "application/json", body).await.0;
    assert_eq!(discard(r#"{"reason":""}"#).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(discard(r#"{"reason":"Pagina bianca"}"#).await, StatusCode::NO_CONTENT);
    assert_eq!(discard(r#"{"reason":"Pagina bianca"}"#).await, StatusCode::CONFLICT);
    let (_, discarded) = door.get_json("/api/v1/scans?state=discarded").await;
    assert_eq!(discarded["items"][0]["reason"], "Pagina bianca");
    assert_eq!(door.get("/api/v1/scans?state=lost").await.0, StatusCode::UNPROCESSABLE_ENTITY);
}
