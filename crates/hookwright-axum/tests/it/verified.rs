//! `Verified<T>`, in a product that is called over real connections.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRef};
use axum::routing::{any, post};
use axum::{Extension, Json, Router};
use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright::testing::{SignedRequest, signed_request};
use hookwright_axum::{ByState, FindProof, Parts, Proof, Source, Unverified, Verified};
use hookwright_signature::provider::{Evidence, Inbound, SourceKind};
use hookwright_testkit::http::{Answer, Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::mounting::{listen, serve};

const SECRET: &str = "It's a Secret to Everybody";
const BODY: &str = r#"{"order": 7,  "type": "order.paid"}"#;
const NOW: i64 = 1_700_000_000;
const PUBLIC: &str = "https://shop.example";

fn clock() -> Clock {
    Clock::manual(Timestamp::from_micros(NOW * 1_000_000))
}

fn proof(source: &Source) -> Proof {
    Proof::of(source.clone()).unwrap().clock(clock()).public_url(PUBLIC)
}

#[derive(Deserialize)]
struct Order {
    order: u64,
}

async fn paid(order: Verified<Order>) -> Json<Value> {
    let body = String::from_utf8(order.body.to_vec()).unwrap();
    let reply = order.reply.map(|reply| String::from_utf8(reply.body).unwrap());
    let Order { order: number } = order.payload;
    Json(json!({"order": number, "id": order.id, "type": order.event_type, "body": body, "reply": reply}))
}

async fn client(proof: Proof) -> Client {
    serve(Router::new().route("/paid", any(paid).layer(Extension(proof)))).await
}

/// The query, and the headers, that prove a body.
fn signed(source: &Source, body: &str, at: i64) -> (String, Vec<(String, String)>) {
    let url = format!("{PUBLIC}/paid");
    let request = Inbound { body: body.as_bytes(), url: Some(&url), ..Inbound::POST };
    let signed = source.config().unwrap().sign(&request, at, "msg_1").unwrap();
    let query: Vec<String> = signed.query.iter().map(|(name, value)| format!("?{name}={value}")).collect();
    (query.concat(), signed.headers)
}

async fn send(
    client: &Client,
    method: Method,
    path: &str,
    headers: &[(String, String)],
    body: &str,
) -> Answer {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    client.request(method, path, &headers, body.to_owned()).await
}

/// Posts a body with the proof of `source`.
async fn post_signed(client: &Client, source: &Source, body: &str) -> Answer {
    let request = SignedRequest::of(source.clone(), body.to_owned())
        .to(format!("{PUBLIC}/paid"))
        .at(clock().now())
        .id("msg_1")
        .build();
    let path = request.uri().path_and_query().unwrap().as_str();
    let headers: Vec<(&str, &str)> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    client.request(Method::POST, path, &headers, body.to_owned()).await
}

/// A source of this kind, with a secret that only those have who say the same `salt`.
fn source(kind: SourceKind, salt: &str) -> Source {
    kind.fields().iter().fold(Source::of(kind.as_str()), |source, name| match *name {
        "header" => source.field("header", "x-proof"),
        // What is not set has a default.
        "algorithm" | "encoding" | "prefix" | "signed" | "timestampGraceSeconds" => source,
        "publicKey" if salt == "ours" => {
            source.field("privateKey", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        }
        "publicKey" => source.field("privateKey", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        "secret" if kind.summary().starts_with("Standard Webhooks") && salt == "ours" => {
            source.field("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        }
        "secret" if kind.summary().starts_with("Standard Webhooks") => {
            source.field("secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
        }
        name => source.field(name, format!("{name} {salt}")),
    })
}

#[tokio::test]
async fn every_kind_is_proven_over_the_bytes_as_they_came() {
    let proven =
        SourceKind::all().filter(|kind| !matches!(kind.evidence(), Evidence::None | Evidence::Unsigned));
    for kind in proven {
        let ours = source(kind, "ours");
        let client = client(proof(&ours)).await;
        let taken = post_signed(&client, &ours, BODY).await.expect(200).json();
        assert_eq!((&taken["order"], &taken["body"]), (&json!(7), &json!(BODY)), "{kind}");
        assert_eq!(taken["reply"].is_string(), kind.as_str() == "adobe-sign", "{kind}: {taken}");

        let refused = post_signed(&client, &source(kind, "theirs"), BODY).await;
        let status = if kind.as_str() == "token" { 403 } else { 401 };
        assert_eq!(refused.status, status, "{kind}, another secret: {}", refused.text());
        assert_eq!(send(&client, Method::POST, "/paid", &[], BODY).await.status, status, "{kind}, nothing");

        // What shows a credential says nothing of the body; what signs does.
        if !matches!(kind.as_str(), "token" | "basic-auth" | "adobe-sign") {
            let (query, headers) = signed(&ours, BODY, NOW);
            let other = BODY.replace("  ", " ");
            let refused = send(&client, Method::POST, &format!("/paid{query}"), &headers, &other).await;
            assert_eq!(refused.status, 401, "{kind}, written anew: {}", refused.text());
        }
    }
}

#[tokio::test]
async fn method_size_proof_and_json_are_looked_at_in_this_order() {
    let source = Source::token("X-Shop-Token", SECRET);
    let client = client(proof(&source).body_limit(100)).await;
    let token = [("x-shop-token".to_owned(), SECRET.to_owned())];
    let (large, junk) = ("x".repeat(101), "no JSON");

    let answer = send(&client, Method::PUT, "/paid", &[], &large).await.expect(405);
    assert_eq!(answer.header("allow"), Some("POST"));
    send(&client, Method::POST, "/paid", &[], &large).await.expect(413);
    for headers in [&[][..], &[("x-shop-token".to_owned(), "wrong".to_owned())][..]] {
        let answer = send(&client, Method::POST, "/paid", headers, junk).await.expect(403);
        assert_eq!(answer.text(), "Incorrect token in X-Shop-Token header.");
    }
    let answer = send(&client, Method::POST, "/paid", &token, junk).await.expect(400);
    assert!(answer.text().starts_with("The body is not the JSON that is taken here: "), "{}", answer.text());
    send(&client, Method::POST, "/paid", &token, r#"{"order": "seven"}"#).await.expect(400);
    send(&client, Method::POST, "/paid", &token, "").await.expect(400);
    let fits = format!("{:<100}", r#"{"order": 7}"#);
    send(&client, Method::POST, "/paid", &token, &fits).await.expect(200);
    send(&client, Method::POST, "/paid", &token, &format!("{fits} ")).await.expect(413);
}

#[tokio::test]
async fn why_a_request_is_not_proven_is_not_told() {
    let source = Source::stripe(SECRET);
    let client = client(proof(&source)).await;
    let mut told = Vec::new();
    for at in [NOW - 301, NOW + 301] {
        let (_, headers) = signed(&source, BODY, at);
        told.push(send(&client, Method::POST, "/paid", &headers, BODY).await.expect(401).text());
    }
    for headers in [vec![], vec![("stripe-signature".to_owned(), "t=1,v1=00".to_owned())]] {
        told.push(send(&client, Method::POST, "/paid", &headers, BODY).await.expect(401).text());
    }
    assert!(
        told.iter().all(|text| text == "The request is not proven to come from its provider."),
        "{told:?}"
    );
    for at in [NOW - 300, NOW + 300] {
        let (_, headers) = signed(&source, BODY, at);
        send(&client, Method::POST, "/paid", &headers, BODY).await.expect(200);
    }
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_are_good() {
    let (new, old) = (Source::github("new"), Source::github("old"));
    let client = client(proof(&new.clone().or(old.clone()))).await;
    for source in [&new, &old] {
        let taken = post_signed(&client, source, BODY).await.expect(200).json();
        assert_eq!(taken["id"], "msg_1");
    }
    post_signed(&client, &Source::github("other"), BODY).await.expect(401);
}

#[tokio::test]
async fn handshakes_are_answered_and_no_handler_is_called() {
    let client_of_meta = client(proof(&Source::meta(SECRET, "agreed"))).await;
    let path = "/paid?hub.mode=subscribe&hub.challenge=17&hub.verify_token=";
    let answer = client_of_meta.get(&format!("{path}agreed")).await.expect(200);
    assert_eq!((answer.text().as_str(), answer.header("content-type")), ("17", Some("text/plain")));
    client_of_meta.get(&format!("{path}guessed")).await.expect(403);

    let slack = Source::slack(SECRET);
    let client = client(proof(&slack)).await;
    let asked = r#"{"type": "url_verification", "challenge": "3eZbrw1a"}"#;
    assert_eq!(post_signed(&client, &slack, asked).await.expect(200).text(), "3eZbrw1a");
    send(&client, Method::POST, "/paid", &[], asked).await.expect(401);
}

#[derive(Clone)]
struct App {
    stripe: Proof,
    github: Proof,
}

impl FromRef<App> for Proof {
    fn from_ref(app: &App) -> Proof {
        app.stripe.clone()
    }
}

struct GitHub;

impl FindProof<App> for GitHub {
    fn find(_: &Parts, app: &App) -> Option<Proof> {
        Some(app.github.clone())
    }
}

#[tokio::test]
async fn the_proof_may_be_in_the_state_and_where_there_is_none_nothing_is_taken() {
    let (stripe, github) = (Source::stripe(SECRET), Source::github(SECRET));
    let app = App { stripe: proof(&stripe), github: proof(&github) };
    let router = Router::new()
        .route("/stripe", post(async |order: Verified<Order, ByState>| order.payload.order.to_string()))
        .route("/github", post(async |order: Verified<Order, GitHub>| order.payload.order.to_string()))
        .route("/nothing", post(async |order: Verified<Order>| order.payload.order.to_string()))
        .route(
            "/mine",
            post(async |order: Result<Verified<Order, GitHub>, Unverified>| match order {
                Err(Unverified::Refused(refused)) => refused.code(),
                _ => "another",
            }),
        )
        .with_state(app);
    let client = serve(router).await;
    for (source, path, other) in [(&stripe, "/stripe", "/github"), (&github, "/github", "/stripe")] {
        let headers = signed(source, BODY, NOW).1;
        assert_eq!(send(&client, Method::POST, path, &headers, BODY).await.expect(200).text(), "7");
        send(&client, Method::POST, other, &headers, BODY).await.expect(401);
        send(&client, Method::POST, "/nothing", &headers, BODY).await.expect(500);
    }
    assert_eq!(send(&client, Method::POST, "/mine", &[], BODY).await.expect(200).text(), "missing");
}

#[tokio::test]
async fn the_limit_is_the_proofs_own_and_holds_for_bodies_that_do_not_say_their_length() {
    let source = Source::generic_webhook();
    let limit = 3 * 1024 * 1024;
    let route = any(paid).layer(Extension(proof(&source).body_limit(limit)));
    let router = Router::new().route("/paid", route).layer(DefaultBodyLimit::max(10));
    let address = listen(router).await;
    let client = Client::anonymous(format!("http://{address}"));
    let json = r#"{"order": 7}"#;
    let fits = format!("{json}{}", " ".repeat(limit - json.len()));
    send(&client, Method::POST, "/paid", &[], &fits).await.expect(200);

    let head = "POST /paid HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    for (more, status) in [(0, "200"), (1, "413")] {
        let body = format!("{fits}{}", " ".repeat(more));
        let request = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        let answer = hookwright_testkit::http::raw(address, request.as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn a_url_that_is_signed_is_the_one_that_was_called_below_whatever_the_router_is_nested() {
    let source = Source::hubspot(SECRET);
    let nested = Router::new().route("/paid", any(paid).layer(Extension(proof(&source))));
    let client = serve(Router::new().nest("/hooks", nested)).await;
    let url = format!("{PUBLIC}/hooks/paid?a=1");
    let request = Inbound { body: BODY.as_bytes(), url: Some(&url), ..Inbound::POST };
    let headers = source.config().unwrap().sign(&request, NOW, "msg_1").unwrap().headers;
    send(&client, Method::POST, "/hooks/paid?a=1", &headers, BODY).await.expect(200);
    send(&client, Method::POST, "/hooks/paid?a=2", &headers, BODY).await.expect(401);
}

#[test]
#[should_panic(
    expected = "a request of the kind telnyx cannot be signed: a public key cannot sign: give the private one"
)]
fn what_cannot_be_signed_fails_the_test_that_asks_for_it() {
    signed_request(Source::telnyx("O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik="), BODY);
}

#[tokio::test]
async fn timestamps_are_judged_by_the_machines_clock_unless_a_test_sets_one() {
    let source = Source::stripe(SECRET);
    let client = client(Proof::of(source.clone()).unwrap()).await;
    let now = Clock::system().now();
    for (at, status) in [(now, 200), (now.after(Duration::from_secs(3_600)), 401)] {
        let (_, headers) = signed(&source, BODY, at.as_seconds());
        send(&client, Method::POST, "/paid", &headers, BODY).await.expect(status);
    }
}
