//! What is asked for in a wrong way: every answer of 400 and above has a body that says what is wrong.

use hookwright_testkit::http::{Client, Method};
use serde_json::json;

use super::rig::{Rig, wrong_place};

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_answered_in_json() {
    let rig = Rig::start().await;
    for path in ["/api/v1/nothing", "/api/v2/app", "/api/v1/app/a/b/c/d", "/API/V1/APP", "/api/v1//app"] {
        assert_eq!(rig.client.get(path).await.expect(404).json()["code"], "not_found", "{path}");
    }
    for (method, path, allow) in [
        (Method::PATCH, "/api/v1/app", "GET,HEAD,POST"),
        (Method::DELETE, "/api/v1/app/ann/msg", "GET,HEAD,POST"),
        (Method::PUT, "/api/v1/health", "GET,HEAD"),
    ] {
        let answer = rig.client.request(method.clone(), path, &[], "").await.expect(405);
        assert_eq!(answer.json()["code"], "method_not_allowed");
        let mut allowed: Vec<&str> = answer.header("allow").unwrap_or_default().split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn operations_that_are_not_there_yet_say_so() {
    let rig = Rig::start().await;
    for (method, path) in [
        (Method::POST, "/api/v1/auth/one-time-token"),
        (Method::GET, "/api/v1/app/ann/msg/m/raw"),
        (Method::POST, "/ingest/api/v1/source/s/dashboard/"),
    ] {
        let answer = rig.client.request(method, path, &[], "").await.expect(501);
        assert_eq!(answer.json()["code"], "not_implemented", "{path}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_name_the_place() {
    let rig = Rig::start().await;
    for (body, place) in [
        ("", "body"),
        ("nonsense", "body"),
        ("{\"name\":", "body"),
        ("[]", "body"),
        ("null", "body"),
        ("{}", "body.name"),
        (r#"{"name":1}"#, "body.name"),
        (r#"{"name":null}"#, "body.name"),
        (r#"{"name":""}"#, "body.name"),
        (r#"{"name":"a","name":"b"}"#, "body.name"),
        (r#"{"name":"a","uid":"\u0000"}"#, "body.uid"),
        (r#"{"name":"a","uid":""}"#, "body.uid"),
        (r#"{"name":"a","throttleRate":-1}"#, "body.throttleRate"),
        (r#"{"name":"a","throttleRate":1.5}"#, "body.throttleRate"),
        (r#"{"name":"a","metadata":[]}"#, "body.metadata"),
    ] {
        let refused = rig.client.request(Method::POST, "/api/v1/app", &[], body).await.expect(422);
        assert_eq!(wrong_place(&refused), place, "{body}: {}", refused.text());
    }
    let nested = format!(r#"{{"name":"a","x":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    let refused = rig.client.request(Method::POST, "/api/v1/app", &[], nested).await.expect(422);
    assert_eq!(wrong_place(&refused), "body.x");
    let nested = format!(r#"{{"name":"a","metadata":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    let refused = rig.client.request(Method::POST, "/api/v1/app", &[], nested).await.expect(422);
    assert_eq!(wrong_place(&refused), "body.metadata");
    let huge = format!(r#"{{"name":"{}"}}"#, "x".repeat(1024 * 1024));
    let refused = rig.client.request(Method::POST, "/api/v1/app", &[], huge).await.expect(413);
    assert_eq!(refused.json()["code"], "payload_too_large");
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let rig = Rig::start().await;
    let body = json!({"name": "", "uid": "a b", "throttleRate": 0});
    let refused = rig.client.post("/api/v1/app", &body).await.expect(422).json();
    assert_eq!(refused["detail"].as_array().map(Vec::len), Some(3), "{refused}");
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_refused_with_the_one_that_was_meant() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let body = json!({"name": "a", "throtleRate": 5});
    let refused = rig.client.post("/api/v1/app", &body).await.expect(422).json();
    assert_eq!(
        refused["detail"][0]["msg"],
        "throtleRate is no field of the body. Did you mean throttleRate?"
    );
    let body = json!({"eventType": "a.b", "payload": {}, "application": {"name": "x", "id": 1}});
    let refused = rig.client.post("/api/v1/app/ann/msg", &body).await.expect(422).json();
    assert_eq!(refused["detail"][0]["loc"], json!(["body", "application", "id"]));
    assert_eq!(refused["detail"][0]["msg"], "id is no field of application. Did you mean uid?");
    // A filter that is not there would show everything.
    let refused = rig.client.get("/api/v1/app/ann/msg?event_type=a.b").await.expect(422).json();
    let said = "event_type is no query parameter of this operation. Did you mean event_types?";
    assert_eq!(refused["detail"][0]["msg"], said);
    let body = json!({"eventType": "a.b", "payload": {}});
    rig.client.post("/api/v1/app/ann/msg?with_contents=false", &body).await.expect(422);
    // Whoever has no token learns nothing of it, and whoever asks whether it is up gets an answer.
    Client::anonymous(&rig.base).get("/api/v1/app?nonsense=1").await.expect(401);
    rig.client.get("/api/v1/health?nonsense=1").await.expect(204);
}
