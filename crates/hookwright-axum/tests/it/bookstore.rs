//! The bookstore of the examples: what happens to books reaches those who subscribed, and nobody else.

use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::{Launch, Process, Receiver};
use serde_json::{Value, json};

const TOLKIEN: &str = "username=jrrtolkien&api_key=abcdef";
const LEWIS: &str = "username=cslewis&api_key=ghijkl";

async fn start() -> (Process, Client) {
    let tests = std::env::current_exe().unwrap();
    let built = tests.ancestors().nth(2).unwrap().join("examples").join("bookstore");
    let process = Launch::new(built).arg("127.0.0.1:0").start();
    let line = process.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
    let client = Client::anonymous(line.trim_start_matches("listening: "));
    (process, client)
}

async fn subscribe(client: &Client, user: &str, event: &str, target: String) -> Value {
    let hook = json!({"target": target, "event": event});
    client.post(&format!("/api/hooks?{user}"), &hook).await.expect(201).json()
}

fn book(title: &str, pages: u32) -> Value {
    json!({"title": title, "pages": pages, "fiction": true})
}

#[tokio::test]
async fn what_happens_to_a_book_reaches_its_owner_in_the_envelope_of_rest_hooks() {
    let (mut process, client) = start().await;
    let receiver = Receiver::start().await;
    let target = receiver.url("/target.php");
    let mut hooks = Vec::new();
    for event in ["book.added", "book.removed", "book.read", "user.logged_in"] {
        hooks.push(subscribe(&client, TOLKIEN, event, target.clone()).await);
    }
    subscribe(&client, LEWIS, "book.added", receiver.url("/not-his")).await;
    assert_eq!(hooks[0]["user"], "jrrtolkien");

    client.post(&format!("/books?{TOLKIEN}"), &book("The Two Towers", 327)).await.expect(200);
    client
        .put(&format!("/books/1?{TOLKIEN}"), &book("The Two Towers: Deluxe Edition", 352))
        .await
        .expect(200);
    client.request(Method::POST, &format!("/books/1/read?{TOLKIEN}"), &[], "").await.expect(204);
    client.delete(&format!("/books/1?{TOLKIEN}")).await.expect(204);
    client.request(Method::POST, &format!("/login?{TOLKIEN}"), &[], "").await.expect(204);
    let received = receiver.wait_for(4).await;
    assert!(received.iter().all(|got| got.path() == "/target.php"));
    let data = |title: &str, pages| json!({"id": 1, "title": title, "pages": pages, "fiction": true});
    for (hook, data) in [
        (&hooks[0], data("The Two Towers", 327)),
        (&hooks[1], data("The Two Towers: Deluxe Edition", 352)),
        (&hooks[2], data("The Two Towers: Deluxe Edition", 352)),
        (&hooks[3], json!({"username": "jrrtolkien"})),
    ] {
        let about = json!({"id": hook["id"], "event": hook["event"], "target": target});
        let got = received.iter().map(|got| got.json()).find(|body: &Value| body["hook"] == about);
        assert_eq!(got.unwrap_or_else(|| panic!("nothing for {about}"))["data"], data);
    }
    process.interrupt();
    assert!(process.wait_exit().await.success());
}

#[tokio::test]
async fn an_event_for_all_reaches_every_user_who_subscribed_to_it() {
    let (_process, client) = start().await;
    let receiver = Receiver::start().await;
    subscribe(&client, TOLKIEN, "book.changed", receiver.url("/tolkien")).await;
    subscribe(&client, LEWIS, "book.changed", receiver.url("/lewis")).await;
    client.post(&format!("/books?{TOLKIEN}"), &book("The Hobbit", 310)).await.expect(200);
    client
        .put(&format!("/books/1?{TOLKIEN}"), &book("The Hobbit, or There and Back Again", 310))
        .await
        .expect(200);
    let mut paths: Vec<String> = receiver.wait_for(2).await.iter().map(|got| got.path().to_owned()).collect();
    paths.sort();
    assert_eq!(paths, ["/lewis", "/tolkien"]);
}

#[tokio::test]
async fn the_products_own_authentication_decides() {
    let (_process, client) = start().await;
    let hook = json!({"target": "http://127.0.0.1:9/", "event": "book.added"});
    for user in ["", "username=jrrtolkien&api_key=wrong", "username=nobody&api_key=abcdef"] {
        client.post(&format!("/api/hooks?{user}"), &hook).await.expect(401);
    }
    let made = client.post(&format!("/api/hooks/?{TOLKIEN}"), &hook).await.expect(201).json();
    let one = format!("/api/hooks/{}", made["id"].as_str().unwrap());
    client.get(&format!("{one}?{LEWIS}")).await.expect(404);
    client.delete(&format!("{one}/?{LEWIS}")).await.expect(404);
    let burned = json!({"target": "http://127.0.0.1:9/", "event": "book.burned"});
    let refused = client.post(&format!("/api/hooks?{TOLKIEN}"), &burned).await.expect(400).json();
    assert_eq!(refused, json!({"event": ["Unexpected event book.burned"]}));
    client.delete(&format!("{one}?{TOLKIEN}")).await.expect(204);
}
