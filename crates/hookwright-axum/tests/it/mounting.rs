//! The router under paths of the product's own choice.

use std::net::SocketAddr;

use axum::Router;
use hookwright::Hooks;
use hookwright::domain::names::Uid;
use hookwright_axum::{Parts, Refusal, RestHooks, User};
use hookwright_testkit::http::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Serves this router, and says where.
pub(crate) async fn listen(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Serves this router, and gives a client of it.
pub(crate) async fn serve(router: Router) -> Client {
    Client::anonymous(format!("http://{}", listen(router).await))
}

fn rest_hooks(hooks: &Hooks, path: &str) -> Router {
    let organisation = hooks.default_organisation();
    let authenticate = move |parts: Parts| async move {
        match parts.headers.get("x-user").and_then(|user| user.to_str().ok()) {
            Some(user) => Ok(User::new(organisation, Uid::parse(user).unwrap())),
            None => Err(Refusal::forbidden("Not you.")),
        }
    };
    RestHooks::new(hooks.clone(), authenticate).router(path)
}

#[tokio::test]
async fn it_works_at_the_root_and_below_any_path() {
    let hooks = Hooks::test().event("book.added", hookwright::Raw).start().await.unwrap();
    let router = Router::new()
        .merge(rest_hooks(&hooks, "/webhooks/"))
        .nest("/nested", rest_hooks(&hooks, "/"))
        .nest("/deep", rest_hooks(&hooks, "/er"));
    let client = serve(router).await;
    let user = [("x-user", "ann"), ("content-type", "application/json")];
    let hook = json!({"target": "https://example.com/", "event": "book.added"}).to_string();
    for path in ["/webhooks", "/webhooks/", "/nested", "/deep/er", "/deep/er/"] {
        let made = client.request(http::Method::POST, path, &user, hook.clone()).await.expect(201).json();
        let one = format!("{}/{}", path.trim_end_matches('/'), made["id"].as_str().unwrap());
        for one in [one.clone(), format!("{one}/")] {
            let read: Value = client.request(http::Method::GET, &one, &user, "").await.expect(200).json();
            assert_eq!(read, made, "{one}");
        }
        client.get(&one).await.expect(403);
    }
    let listed = client.request(http::Method::GET, "/webhooks", &user, "").await.expect(200).json();
    assert_eq!(listed.as_array().unwrap().len(), 5, "whatever path they were made at");
}
