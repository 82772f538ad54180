//! `send` through a running server, and what happens to deliveries when the server is stopped.

use hookwright_testkit::http::Client;
use hookwright_testkit::{Launch, Process, Receiver, Reply};
use serde_json::{Value, json};

use super::{SECRET, fails, hookwright, succeeds, with_file};

const TOKEN: &str = "dev_token_not_for_production";

struct Server {
    launch: Launch,
    process: Process,
    url: String,
}

impl Server {
    async fn start(launch: Launch) -> Server {
        let process = launch.start();
        let line = process.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
        let url = line.trim_start_matches("listening: ").to_owned();
        Server { launch, process, url }
    }

    /// `send` to this server, whose output goes to nobody yet.
    fn send(&self, arguments: &str, payload: &str) -> Launch {
        let launch = hookwright(&format!("send --url {} --token {TOKEN} {arguments}", self.url));
        launch.args(["--payload", payload])
    }

    /// An endpoint of the application `acme` that wants everything.
    async fn endpoint(&self, url: &str) {
        let client = Client::new(&self.url, TOKEN);
        let endpoint = json!({ "url": url, "secret": SECRET });
        let answer = client.post("/api/v1/app/acme/endpoint/", &endpoint).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
}

fn dev() -> Launch {
    hookwright("dev --listen 127.0.0.1:0")
}

#[tokio::test]
async fn a_message_goes_from_the_shell_to_a_receiver_that_verifies_it() {
    let server = Server::start(dev()).await;
    succeeds(&server.send("--app acme --create-app --event-type book.added", "{}")).await;
    let receiver = hookwright(&format!("receiver --listen 127.0.0.1:0 --secret {SECRET}")).start();
    let line = receiver.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
    server.endpoint(line.trim_start_matches("listening: ")).await;

    let payload = "{\"title\": \"Momo\",  \"n\": 1.0}";
    let sent = succeeds(&server.send("--app acme --event-type book.added --event-id first", payload)).await;
    assert!(sent.starts_with("msg_"), "{sent}");
    receiver.wait_for_line(|line| line.ends_with(sent.trim_end()), "the message's id").await;
    receiver.wait_for_line(|line| line == "  verified; answered 200 OK", "the verdict").await;
    receiver.wait_for_line(|line| line == "    \"n\": 1.0", "the payload").await;

    let again = server.send("--app acme --event-type book.added --event-id first", payload);
    assert!(fails(&again).await.starts_with("The server refused with 409 Conflict"));
}

#[tokio::test]
async fn payloads_come_from_files_and_pipes_too() {
    let server = Server::start(dev()).await;
    succeeds(&server.send("--app acme --create-app --event-type a", "{}")).await;
    let receiver = Receiver::start().await;
    server.endpoint(&receiver.url("/")).await;
    let from_file = with_file(
        server.send("--app acme --event-type a --json", "@p.json"),
        "p.json",
        "{\"from\":\"file\"}",
    );
    let sent: Value = serde_json::from_str(&succeeds(&from_file).await).unwrap();
    assert_eq!(receiver.wait_for(1).await[0].id(), sent["id"].as_str().unwrap());
    succeeds(&server.send("--app acme --event-type a", "-").stdin("{\"from\":\"pipe\"}")).await;
    let received = receiver.wait_for(2).await;
    assert_eq!(received[0].text(), "{\"from\":\"file\"}");
    assert_eq!(received[1].text(), "{\"from\":\"pipe\"}");
}

#[tokio::test]
async fn what_cannot_be_sent_says_why_and_what_to_do() {
    let server = Server::start(dev()).await;
    let said = fails(&server.send("--app nobody --event-type a", "{}")).await;
    assert!(said.starts_with("There is no application nobody: 404 Not Found."), "{said}");
    let wrong = hookwright(&format!("send --app a --event-type a --payload {{}} --url {}", server.url));
    assert!(fails(&wrong).await.starts_with("No access token was given for the server at "));
    let said = fails(&wrong.env("HOOKWRIGHT_API_TOKEN", "wrong")).await;
    assert!(said.contains("401 Unauthorized") && said.contains("HOOKWRIGHT_API_TOKEN"), "{said}");
    assert!(
        fails(&server.send("--app a --event-type a", "{")).await.starts_with("The payload is not JSON: ")
    );
    let free = format!("http://127.0.0.1:{}", hookwright_testkit::free_port());
    let said = fails(&server.send("--app a --event-type a", "{}").env("HOOKWRIGHT_URL", "x")).await;
    assert!(said.contains("404"), "the flag is over the variable: {said}");
    let nobody = hookwright(&format!("send --app a --event-type a --payload {{}} --token t --url {free}"));
    let said = fails(&nobody).await;
    assert!(said.starts_with(&format!("The server at {free} cannot be reached: ")), "{said}");
    assert!(said.ends_with("Start one with `hookwright dev`, or say where it is with --url."), "{said}");
}

/// A server with one delivery under way to a receiver that does not answer.
async fn with_a_hanging_delivery(launch: Launch) -> (Server, Receiver) {
    let server = Server::start(launch).await;
    succeeds(&server.send("--app acme --create-app --event-type a", "{}")).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::hang(), Reply::ok()]);
    server.endpoint(&receiver.url("/")).await;
    succeeds(&server.send("--app acme --event-type a", "{\"n\":1}")).await;
    receiver.wait_for(1).await;
    (server, receiver)
}

#[tokio::test]
async fn what_does_not_end_within_the_grace_period_goes_on_at_the_next_start() {
    let (mut server, receiver) = with_a_hanging_delivery(dev().args(["--shutdown-grace", "100ms"])).await;
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0));
    server.process.wait_for_line(|line| line.contains("attempts.called_off=1"), "the report").await;
    let _again = Server::start(server.launch.clone()).await;
    let received = receiver.wait_for(2).await;
    assert_eq!(received[0].id(), received[1].id());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (mut server, _receiver) = with_a_hanging_delivery(dev().args(["--shutdown-grace", "1h"])).await;
    server.process.terminate();
    server
        .process
        .wait_for_line(|line| line.contains("stopping: no more requests"), "the first signal")
        .await;
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(128 + libc::SIGTERM));
}
