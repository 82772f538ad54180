//! What is sent and answered, and how mistakes are told.

use hookwright_testkit::http::{Client, Method};
use serde_json::{Value, json};

use super::library;
use crate::api::rig::text;

const TARGET: &str = "http://127.0.0.1:9/target.php";

fn hook() -> Value {
    json!({"target": TARGET, "event": "book.added"})
}

#[tokio::test]
async fn a_hook_is_made_read_replaced_and_deleted_under_one_id() {
    let (rig, ann) = library().await;
    let made = ann.post("/api/hooks", &hook()).await.expect(201).json();
    let keys: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["created", "event", "id", "target", "updated", "user"]);
    assert_eq!((&made["target"], &made["event"]), (&json!(TARGET), &json!("book.added")));
    assert_eq!(made["user"], "ann");
    for time in ["created", "updated"] {
        let written = text(&made[time]);
        assert!(written.parse::<jiff::Timestamp>().is_ok(), "{written} is ISO 8601");
    }
    let id = text(&made["id"]);
    let one = format!("/api/hooks/{id}");
    assert_eq!(ann.get(&one).await.expect(200).json(), made);
    assert_eq!(ann.get("/api/hooks").await.expect(200).json(), json!([made]));
    let endpoints = rig.client.get("/api/v1/app/ann/endpoint").await.expect(200).json();
    assert_eq!(endpoints["data"][0]["id"], made["id"], "it is an endpoint like any other");

    let other = json!({"target": "http://127.0.0.1:9/other", "event": "book.lent"});
    let replaced = ann.put(&one, &other).await.expect(200).json();
    assert_eq!((&replaced["id"], &replaced["created"]), (&made["id"], &made["created"]));
    assert_eq!((&replaced["target"], &replaced["event"]), (&other["target"], &other["event"]));
    assert!(text(&replaced["updated"]) > text(&made["updated"]));
    let changed = ann.patch(&one, &json!({"event": "book.added"})).await.expect(200).json();
    assert_eq!((&changed["target"], &changed["event"]), (&other["target"], &json!("book.added")));

    let gone = ann.delete(&one).await.expect(204);
    assert!(gone.body.is_empty());
    assert_eq!(ann.get(&one).await.expect(404).json(), json!({"detail": "Not found."}));
    ann.put(&one, &other).await.expect(404);
    ann.delete(&one).await.expect(404);
    assert_eq!(ann.get("/api/hooks").await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let (_rig, ann) = library().await;
    let made = ann.post("/api/hooks/", &hook()).await.expect(201).json();
    let one = format!("/api/hooks/{}/", text(&made["id"]));
    assert_eq!(ann.get("/api/hooks/").await.expect(200).json(), json!([made]));
    assert_eq!(ann.get(&one).await.expect(200).json(), made);
    ann.put(&one, &hook()).await.expect(200);
    ann.delete(&one).await.expect(204);
}

#[tokio::test]
async fn a_list_has_all_hooks_however_many_and_no_other_endpoint() {
    let (rig, ann) = library().await;
    rig.endpoint("ann", TARGET).await;
    let mut ids = Vec::new();
    for _ in 0..260 {
        ids.push(ann.post("/api/hooks", &hook()).await.expect(201).json()["id"].clone());
    }
    let listed = ann.get("/api/hooks").await.expect(200).json();
    let listed: Vec<Value> = listed.as_array().unwrap().iter().map(|hook| hook["id"].clone()).collect();
    assert_eq!(listed, ids);
    let endpoint = rig.client.get("/api/v1/app/ann/endpoint?limit=1").await.expect(200).json();
    let endpoint = format!("/api/hooks/{}", text(&endpoint["data"][0]["id"]));
    ann.get(&endpoint).await.expect(404);
    ann.delete(&endpoint).await.expect(404);
}

#[tokio::test]
async fn each_mistake_is_told_under_the_name_of_its_field() {
    let (_rig, ann) = library().await;
    let wrong = async |body: Value| ann.post("/api/hooks", &body).await.expect(400).json();
    let required = json!(["This field is required."]);
    assert_eq!(wrong(json!({})).await, json!({"event": required, "target": required}));
    assert_eq!(
        wrong(json!({"target": TARGET, "event": "book.burned"})).await,
        json!({"event": ["Unexpected event book.burned"]})
    );
    assert_eq!(
        wrong(json!({"target": TARGET, "event": "book.*"})).await,
        json!({"event": ["Unexpected event book.*"]})
    );
    for (target, told) in [
        (json!("http://192.168.0.1/"), "private network"),
        (json!("ftp://example.com/"), "http:// or https://"),
        (json!("example.com"), "cannot be read"),
        (json!("  "), "blank"),
        (json!(null), "null"),
        (json!(7), "string"),
    ] {
        let answer = wrong(json!({"target": target, "event": "book.added"})).await;
        assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
        let why = text(&answer["target"][0]);
        assert!(why.contains(told), "{target}: {why}");
    }
    for (field, value, told) in [
        ("identifier", json!("has space"), "' '"),
        ("identifier", json!([]), "string"),
        ("content_type", json!("xml"), "json or form"),
        ("content_type", json!(1), "json or form"),
        ("metadata", json!("x"), "dictionary"),
        ("metadata", json!({"a": 1}), "\"a\""),
        ("metadata", json!({"a": "v".repeat(16_384)}), "16384 bytes"),
    ] {
        let mut body = hook();
        body[field] = value;
        let answer = wrong(body).await;
        let why = text(&answer[field][0]);
        assert!(why.contains(told), "{field}: {why}");
    }
    assert_eq!(ann.get("/api/hooks").await.expect(200).json(), json!([]), "nothing was half done");
}

#[tokio::test]
async fn bodies_that_cannot_be_read_and_methods_that_are_not_there_are_told_in_json() {
    let (rig, ann) = library().await;
    let post = async |content_type: &str, body: &str| {
        ann.request(Method::POST, "/api/hooks", &[("content-type", content_type)], body.to_owned()).await
    };
    let detail = |answer: &Value| text(&answer["detail"]);
    let broken = post("application/json", "{\"target\":").await.expect(400).json();
    assert!(detail(&broken).starts_with("JSON parse error"), "{broken}");
    let list = post("application/json", "[]").await.expect(400).json();
    assert!(text(&list["non_field_errors"][0]).contains("dictionary"), "{list}");
    let xml = post("text/xml", "<a/>").await.expect(415).json();
    assert!(detail(&xml).contains("text/xml"), "{xml}");
    let large = post("application/json", &format!("{{\"a\":\"{}\"}}", "x".repeat(200_000))).await.expect(413);
    assert!(detail(&large.json()).contains("131072"), "{}", large.text());
    let form = "target=http%3A%2F%2F127.0.0.1%3A9%2F&event=book.added";
    let made = post("application/x-www-form-urlencoded", form).await.expect(201).json();
    assert_eq!(made["target"], "http://127.0.0.1:9/");
    for (method, path, allowed) in [
        (Method::DELETE, "/api/hooks", "GET,HEAD,POST"),
        (Method::POST, "/api/hooks/x", "DELETE,GET,HEAD,PATCH,PUT"),
    ] {
        let answer = ann.request(method.clone(), path, &[], "").await.expect(405);
        assert_eq!(detail(&answer.json()), format!("Method \"{method}\" not allowed."));
        let mut names: Vec<&str> = answer.header("allow").unwrap().split(',').collect();
        names.sort_unstable();
        assert_eq!(names.join(","), allowed);
    }
    ann.get("/api/hooks/no-such-id").await.expect(404);
    assert_eq!(ann.get("/api/hooks/%FF").await.expect(404).json(), json!({"detail": "Not found."}));
    let nobody = Client::anonymous(&rig.base).get("/api/hooks/%FF").await.expect(401);
    assert!(nobody.json()["detail"].is_string());
}

#[tokio::test]
async fn an_identifier_is_taken_once_for_each_event() {
    let (rig, ann) = library().await;
    let named = |event: &str| json!({"target": TARGET, "event": event, "identifier": "my-sheet"});
    let first = ann.post("/api/hooks", &named("book.added")).await.expect(201).json();
    assert_eq!(first["identifier"], "my-sheet");
    let again = ann.post("/api/hooks", &named("book.added")).await.expect(400).json();
    assert!(text(&again["identifier"][0]).contains("identifier"), "{again}");
    let other = ann.post("/api/hooks", &named("book.lent")).await.expect(201).json();
    let moved = format!("/api/hooks/{}", text(&other["id"]));
    let moved = ann.patch(&moved, &json!({"event": "book.added"})).await.expect(400).json();
    assert!(moved["identifier"].is_array(), "{moved}");
    let bob: Client = rig.tenant(&rig.application("bob").await).await;
    bob.post("/api/hooks", &named("book.added")).await.expect(201);
    // Also where the hook has a uid of its own, over the Svix API.
    let endpoint = format!("/api/v1/app/ann/endpoint/{}", text(&other["id"]));
    rig.client.patch(&endpoint, &json!({"uid": "sheet"})).await.expect(200);
    let other = format!("/api/hooks/{}", text(&other["id"]));
    let told = ann.patch(&other, &json!({"event": "book.added"})).await.expect(400).json();
    assert!(told["identifier"].is_array(), "{told}");
    let one = format!("/api/hooks/{}", text(&first["id"]));
    let nameless = ann.patch(&one, &json!({"identifier": null})).await.expect(200).json();
    assert_eq!(nameless.get("identifier"), None);
}

#[tokio::test]
async fn a_change_over_the_svix_api_leaves_a_hook_a_hook() {
    let (rig, ann) = library().await;
    let body = json!({"target": TARGET, "event": "book.added", "identifier": "a", "content_type": "form", "metadata": {"k": "v"}});
    let made = ann.post("/api/hooks", &body).await.expect(201).json();
    assert_eq!((&made["content_type"], &made["metadata"]), (&json!("form"), &json!({"k": "v"})));
    let endpoint = format!("/api/v1/app/ann/endpoint/{}", text(&made["id"]));
    let put = json!({"url": "http://127.0.0.1:9/moved", "eventTypes": ["book.lent"]});
    rig.client.put(&endpoint, &put).await.expect(200);
    let read = ann.get(&format!("/api/hooks/{}", text(&made["id"]))).await.expect(200).json();
    assert_eq!((&read["target"], &read["event"]), (&json!("http://127.0.0.1:9/moved"), &json!("book.lent")));
    assert_eq!((&read["identifier"], &read["content_type"]), (&json!("a"), &json!("form")));
}
