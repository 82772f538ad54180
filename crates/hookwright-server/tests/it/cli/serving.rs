//! `serve` and `dev`: how they start, what they print, how they end.

use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::{Launch, Process};
use serde_json::json;

use super::{fails, hookwright, with_file};

/// `serve` on a port of its own choice.
fn serve() -> Launch {
    hookwright("serve --listen 127.0.0.1:0")
}

/// What stands behind `name: ` on a line.
async fn printed(process: &Process, name: &str) -> String {
    let prefix = format!("{name}: ");
    let line = process.wait_for_line(|line| line.starts_with(&prefix), name).await;
    line[prefix.len()..].to_owned()
}

async fn status(url: &str, token: &str) -> u16 {
    Client::new(url, token).get("/api/v1/app/").await.status
}

#[tokio::test]
async fn the_first_start_prints_a_token_that_works_and_the_second_prints_none() {
    let launch = serve();
    let mut server = launch.start();
    let token = printed(&server, "token").await;
    let url = printed(&server, "listening").await;
    assert_eq!(status(&url, &token).await, 200);
    assert_eq!(status(&url, "another").await, 401);
    let shown = server.lines().iter().filter(|line| line.text.contains(&token)).count();
    assert_eq!(shown, 1, "the token is printed once, and never logged");
    server.terminate();
    assert_eq!(server.wait_exit().await.code(), Some(0));

    let again = launch.start();
    let url = printed(&again, "listening").await;
    assert!(!again.lines().iter().any(|line| line.text.starts_with("token: ")), "{:?}", again.lines());
    assert_eq!(status(&url, &token).await, 200);
}

#[tokio::test]
async fn a_fixed_token_is_taken_and_never_printed() {
    let server = serve().env("HOOKWRIGHT_API_TOKEN", "fixed_by_the_operator").start();
    let url = printed(&server, "listening").await;
    assert_eq!(status(&url, "fixed_by_the_operator").await, 200);
    for line in server.lines() {
        assert!(!line.text.contains("fixed_by") && !line.text.starts_with("token: "), "{line:?}");
    }
}

#[tokio::test]
async fn without_a_command_it_serves() {
    let server = hookwright("").env("HOOKWRIGHT_LISTEN", "127.0.0.1:0").start();
    printed(&server, "listening").await;
}

#[tokio::test]
async fn http_targets_are_warned_of_in_one_line_unless_they_are_refused() {
    for (https_only, warnings) in [("false", 1), ("true", 0)] {
        let mut server = serve().env("HOOKWRIGHT_HTTPS_ONLY", https_only).start();
        printed(&server, "listening").await;
        // Both outputs are complete once it ended.
        server.terminate();
        server.wait_exit().await;
        let lines = server.lines();
        let found = lines.iter().filter(|line| line.text.contains("HOOKWRIGHT_HTTPS_ONLY=true refuses them"));
        assert_eq!(found.count(), warnings, "{lines:?}");
    }
}

#[tokio::test]
async fn logs_can_be_json_and_the_announcement_too() {
    let server = serve().args(["--log-format", "json", "--json", "--print-login-link"]).start();
    let line = server.wait_for_line(|line| line.contains("\"listening\""), "the announcement").await;
    let document: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(document["token"].is_string(), "{document}");
    let (listening, page) = (document["listening"].as_str().unwrap(), document["page"].as_str().unwrap());
    assert!(page.starts_with(&format!("{listening}/login/")), "{document}");
    for line in server.lines() {
        serde_json::from_str::<serde_json::Value>(&line.text).unwrap();
    }
}

#[tokio::test]
async fn both_signals_end_it_in_order() {
    for interrupt in [false, true] {
        let mut server = serve().start();
        printed(&server, "listening").await;
        if interrupt {
            server.interrupt()
        } else {
            server.terminate()
        }
        assert_eq!(server.wait_exit().await.code(), Some(0), "{:?}", server.lines());
        server.wait_for_line(|line| line.contains("stopped; what is pending"), "the end of the log").await;
    }
}

#[tokio::test]
async fn metrics_are_histograms() {
    let server = serve().start();
    let token = printed(&server, "token").await;
    let url = printed(&server, "listening").await;
    let answer = Client::new(url, token).request(Method::GET, "/metrics", &[], "").await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.contains("hookwright_commit_seconds_bucket{le=\"0.001\"}"), "{text}");
}

#[tokio::test]
async fn a_taken_port_is_named_before_the_database_is_touched() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let launch = hookwright(&format!("serve --listen {address}"));
    let said = fails(&launch).await;
    assert!(said.starts_with(&format!("The server cannot listen on {address}: ")), "{said}");
    assert!(said.ends_with("or choose another address with HOOKWRIGHT_LISTEN."), "{said}");
    assert_eq!(std::fs::read_dir(launch.directory()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_database_in_use_is_said_to_be() {
    let launch = serve();
    let server = launch.start();
    printed(&server, "listening").await;
    let said = fails(&launch).await;
    assert!(said.contains("hookwright.db is in use by another hookwright process; stop that one"), "{said}");
}

#[tokio::test]
async fn a_newer_database_is_refused_with_both_schemas() {
    let launch = serve();
    let mut server = launch.start();
    printed(&server, "listening").await;
    server.terminate();
    server.wait_exit().await;
    let database = rusqlite::Connection::open(launch.directory().join("hookwright.db")).unwrap();
    let sql = "INSERT INTO migration (number, name, checksum) VALUES (9999, 'later', zeroblob(32))";
    database.execute(sql, ()).unwrap();
    drop(database);
    let said = fails(&launch).await;
    assert!(said.contains("has schema 9999, and this hookwright knows schemas up to "), "{said}");
}

#[tokio::test]
async fn what_is_no_database_is_said_to_be_none() {
    let launch = with_file(serve(), "hookwright.db", &"this is a text and not a database\n".repeat(100));
    let said = fails(&launch).await;
    assert!(said.starts_with("The server cannot start on hookwright.db: "), "{said}");
    assert!(said.contains("is damaged, or is not a database"), "{said}");
}

#[tokio::test]
async fn a_database_that_cannot_be_made_is_named() {
    let said = fails(&serve().env("HOOKWRIGHT_DATABASE_URL", "sqlite://nowhere/x.db")).await;
    assert!(said.starts_with("The server cannot start on nowhere/x.db: "), "{said}");
    assert!(said.contains("there is no folder nowhere; make it first"), "{said}");
}

#[tokio::test]
async fn a_database_of_another_program_is_left_as_it_is() {
    let launch = serve();
    let path = launch.directory().join("hookwright.db");
    rusqlite::Connection::open(&path).unwrap().execute("CREATE TABLE book (title TEXT)", ()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let said = fails(&launch).await;
    assert!(said.contains("hookwright.db belongs to another program"), "{said}");
    assert!(std::fs::read(&path).unwrap() == before, "the file was changed");
}

#[tokio::test]
async fn a_server_whose_database_is_removed_takes_nothing_more_and_says_so_once() {
    let launch = serve();
    let mut server = launch.start();
    let token = printed(&server, "token").await;
    let url = printed(&server, "listening").await;
    let client = Client::new(&url, &token);
    client.put("/api/v1/app/ann", &json!({"name": "Ann"})).await.expect(201);
    std::fs::rename(launch.directory().join("hookwright.db"), launch.directory().join("aside.db")).unwrap();
    client.get("/api/v1/health/ready").await.expect(503);
    for _ in 0..3 {
        let message = json!({"eventType": "a.b", "payload": {}});
        let refused = client.post("/api/v1/app/ann/msg", &message).await.expect(503).json();
        assert!(refused["detail"].is_string(), "{refused}");
    }
    std::fs::rename(launch.directory().join("aside.db"), launch.directory().join("hookwright.db")).unwrap();
    let message = json!({"eventType": "a.b", "payload": {}});
    client.post("/api/v1/app/ann/msg", &message).await.expect(202);
    client.get("/api/v1/health/ready").await.expect(200);
    server.terminate();
    server.wait_exit().await;
    let lines = server.lines();
    let errors: Vec<_> = lines.iter().filter(|line| line.text.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{lines:?}");
    assert!(errors[0].text.contains("was removed or replaced while it was in use"), "{errors:?}");
}

#[tokio::test]
async fn dev_has_a_known_token_a_page_and_an_example() {
    let launch = hookwright("dev --listen 127.0.0.1:0");
    let server = launch.start();
    assert_eq!(printed(&server, "token").await, "dev_token_not_for_production");
    let page = printed(&server, "page").await;
    let url = printed(&server, "listening").await;
    assert!(page.starts_with(&format!("{url}/login")), "{page}");
    assert_eq!(status(&url, "dev_token_not_for_production").await, 200);
    server.wait_for_line(|line| line.contains("hookwright receiver --secret whsec_"), "the example").await;
    assert!(launch.directory().join("hookwright-dev.db").exists());
    assert!(!launch.directory().join("hookwright.db").exists());
}

#[tokio::test]
async fn dev_takes_the_operator_s_token_without_printing_it() {
    let server =
        hookwright("dev --listen 127.0.0.1:0").env("HOOKWRIGHT_API_TOKEN", "of_the_operator").start();
    assert_eq!(printed(&server, "token").await, "$HOOKWRIGHT_API_TOKEN");
    let url = printed(&server, "listening").await;
    assert_eq!(status(&url, "of_the_operator").await, 200);
    assert_eq!(status(&url, "dev_token_not_for_production").await, 401);
}

#[tokio::test]
async fn dev_answers_nobody_who_calls_this_machine_by_another_name() {
    let server = hookwright("dev --listen 127.0.0.1:0").start();
    let url = printed(&server, "listening").await;
    let address = url.strip_prefix("http://").unwrap().parse().unwrap();
    for (host, status) in [("evil.example", "421"), ("localhost", "204")] {
        let request = format!("GET /api/v1/health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let answer = hookwright_testkit::http::raw(address, request.as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
}

#[tokio::test]
async fn events_that_the_file_declares_are_event_types_from_the_start_on() {
    let file = r#"
[events]
"book.added" = "bookstore.Book.created"
"book.changed" = "bookstore.Book.updated+"
"book.removed" = "bookstore.Book.deleted"
"book.read" = "bookstore.Book.read"
"user.logged_in" = ""
"#;
    let launch =
        with_file(serve(), "hookwright.toml", file).env("HOOKWRIGHT_API_TOKEN", "fixed_by_the_operator");
    for _ in 0..2 {
        let mut server = launch.start();
        let client = Client::new(printed(&server, "listening").await, "fixed_by_the_operator");
        let listed = client.get("/api/v1/event-type").await.expect(200).json();
        let names: Vec<&str> =
            listed["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["book.added", "book.changed", "book.read", "book.removed", "user.logged_in"]);
        server.terminate();
        assert_eq!(server.wait_exit().await.code(), Some(0));
    }
}

#[tokio::test]
async fn dev_catches_webhooks_if_it_is_told_to_and_shows_them_to_tests() {
    let server = hookwright("dev --listen 127.0.0.1:0 --capture-only").start();
    let url = printed(&server, "listening").await;
    let client = Client::new(&url, "dev_token_not_for_production");
    client.post("/api/v1/app", &json!({"name": "ann", "uid": "ann"})).await.expect(201);
    let endpoint = json!({"url": "https://example.com/hook"});
    client.post("/api/v1/app/ann/endpoint", &endpoint).await.expect(201);
    for (name, title) in [("book.added", "Momo"), ("book.lent", "Momo"), ("book.added", "Dune")] {
        let body = json!({"eventType": name, "payload": {"title": title}});
        client.post("/api/v1/app/ann/msg", &body).await.expect(202);
    }
    let sent = client.get("/api/dev/sent?event=book.added&at_least=2").await.expect(200).json();
    let sent = sent["data"].as_array().unwrap();
    let mut titles: Vec<&str> = sent.iter().map(|one| one["payload"]["title"].as_str().unwrap()).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["Dune", "Momo"]);
    assert_eq!((&sent[0]["url"], &sent[0]["attempt"]), (&json!("https://example.com/hook"), &json!(1)));
    assert!(sent[0]["headers"]["webhook-signature"].as_str().unwrap().starts_with("v1,"));
    let all = client.get("/api/dev/sent?at_least=3").await.expect(200).json();
    assert_eq!(all["data"].as_array().unwrap().len(), 3);
    client.delete("/api/dev/sent").await.expect(204);
    assert_eq!(client.get("/api/dev/sent").await.expect(200).json(), json!({"data": []}));
    Client::anonymous(&url).get("/api/dev/sent").await.expect(401);
    let plain = hookwright("dev --listen 127.0.0.1:0").start();
    let plain = Client::new(printed(&plain, "listening").await, "dev_token_not_for_production");
    plain.get("/api/dev/sent").await.expect(404);
}
