//! `listen`: what a source receives comes to a program on this machine, and nothing of it is lost or doubled on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::{BreakableProxy, Launch, Process, Receiver, Reply, free_port};
use serde_json::{Value, json};

use super::served::{Lines, Served, TOKEN};
use super::{SECRET, hookwright, with_file};
use crate::inbound::{PATH, Provider, github};
use crate::live::Live;

/// A source `code` of GitHub, and who calls it.
async fn code(url: &str, token: &str) -> Provider {
    let mut source = github();
    source["uid"] = json!("code");
    let made = Client::new(url, token).post(PATH, &source).await.expect(201).json();
    Provider::made(url, &made, &source, None)
}

/// A `listen` that has begun.
async fn begun(launch: Launch) -> Process {
    let process = launch.start();
    process.wait_for_line(|line| line.starts_with("listening to code, "), "the beginning").await;
    process
}

async fn listen(server: &Served, receiver: &Receiver, arguments: &str) -> Process {
    let to = receiver.url("/hooks");
    begun(server.command(&format!("listen --source code --forward-to {to} {arguments}"))).await
}

fn printed(process: &Process) -> String {
    let lines = process.lines().into_iter().map(|line| line.text);
    lines.filter(|line| line.contains('\t') || line.starts_with('{')).map(|line| line + "\n").collect()
}

#[tokio::test]
async fn what_was_proven_is_posted_byte_for_byte_and_the_rest_is_shown() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    receiver.script([Reply::ok(), Reply::status(500)]);
    let provider = code(&server.url, TOKEN).await;
    provider.send("before", "{}").await.expect(200);
    let mut listen = listen(&server, &receiver, "--limit 4 --json").await;

    let bytes: &[u8] = b"\x00\xff not text \xc3\x28\r\n";
    let mut headers = provider.headers("1", bytes);
    headers.extend(
        [
            ("content-type", "application/x-odd; a=b"),
            ("x-github-event", "push"),
            ("authorization", "Bearer x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let given: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    for _ in 0..2 {
        provider.client.request(Method::POST, &provider.path, &given, bytes).await.expect(200);
    }
    provider.client.request(Method::POST, &provider.path, &[], "{}").await.expect(401);
    provider.send("2", "{ \"n\" : 1.10 }").await.expect(200);
    assert_eq!(listen.wait_exit().await.code(), Some(0));

    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!((received[0].method.as_str(), received[0].path()), ("POST", "/hooks"));
    assert_eq!(&*received[0].body, bytes);
    assert_eq!(received[1].text(), "{ \"n\" : 1.10 }");
    for (name, value) in &headers {
        let expected = (name != "authorization").then_some(value.as_str());
        assert_eq!(received[0].header(name), expected, "{name}");
    }
    let shown: Vec<Value> =
        printed(&listen).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdicts: Vec<&Value> = shown.iter().map(|line| &line["request"]["verdict"]).collect();
    assert_eq!(verdicts, ["verified", "duplicate", "refused", "verified"]);
    let statuses: Vec<&Value> = shown.iter().map(|line| &line["forwarded"]["status"]).collect();
    assert_eq!(statuses, [&json!(200), &json!(null), &json!(null), &json!(500)]);
    assert_eq!(shown[2]["request"]["status_code"], 401);
    let why = shown[2]["request"]["error_text"].as_str().unwrap();
    assert!(why.contains("x-hub-signature-256"), "{why}");
}

#[tokio::test]
async fn a_target_that_is_not_there_is_told_and_does_not_stop_anything() {
    let server = Served::start().await;
    let provider = code(&server.url, TOKEN).await;
    let to = format!("http://127.0.0.1:{}/", free_port());
    let launch = server.command(&format!("listen --source code --forward-to {to} --limit 2"));
    let mut listen = begun(launch).await;
    provider.send("1", "{}").await.expect(200);
    listen.wait_for_line(|line| line.contains("cannot be reached"), "the failure").await;
    provider.client.request(Method::POST, &provider.path, &[], "{}").await.expect(401);
    assert_eq!(listen.wait_exit().await.code(), Some(0));
    let lines = Lines::of(&printed(&listen));
    assert_eq!(lines.column("VERDICT"), ["verified", "refused"]);
    assert_eq!(lines.column("FORWARDED"), ["failed", ""]);
    assert_eq!(lines.column("ANSWERED"), ["200", "401"]);
    assert!(lines.column("DETAIL")[0].starts_with(&format!("{to} cannot be reached: ")), "{lines:?}");
    assert!(lines.column("DETAIL")[1].contains("missing"), "{lines:?}");
}

#[tokio::test]
async fn it_gets_what_an_endpoint_gets() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    let client = Client::new(&server.url, TOKEN);
    let source = json!({"uid": "code", "name": "Any", "type": "generic-webhook", "methods": ["GET", "POST"]});
    let made = client.post(PATH, &source).await.expect(201).json();
    let endpoint = json!({"url": receiver.url("/endpoint"), "secret": SECRET});
    client.post(&format!("{PATH}/code/endpoint"), &endpoint).await.expect(201);
    let to = receiver.url("/listen");
    let launch = server.command(&format!("listen --source code --forward-to {to} --limit 2 --secret-file s"));
    let mut listen = begun(with_file(launch, "s", SECRET)).await;

    let path = made["ingestUrl"].as_str().unwrap().strip_prefix(&server.url).unwrap();
    let anonymous = Client::anonymous(&server.url);
    let headers = [("webhook-id", "forged"), ("svix-id", "forged"), ("x-shop", "7")];
    anonymous.request(Method::POST, path, &headers, "a=1").await.expect(200);
    anonymous.request(Method::GET, &format!("{path}?id=7&tag=a&tag=b%20c"), &[], "").await.expect(200);
    assert_eq!(listen.wait_exit().await.code(), Some(0));

    let received = receiver.wait_for(4).await;
    let at = |path: &str| received.iter().filter(|one| one.path() == path).collect::<Vec<_>>();
    let (there, here) = (at("/endpoint"), at("/listen"));
    assert_eq!((there.len(), here.len()), (2, 2));
    let verifier = hookwright_signature::Verifier::parse(SECRET).unwrap();
    for here in here {
        let there = there.iter().find(|one| one.body == here.body).expect("the same body");
        for name in ["content-type", "webhook-id", "svix-id", "x-shop"] {
            assert_eq!(here.header(name), there.header(name), "{name}");
        }
        verifier.verify(|name| here.header(name), &here.body).expect("the secret's signature");
    }
}

#[tokio::test]
async fn a_server_that_restarts_is_waited_for_and_gone_on_with() {
    let receiver = Receiver::start().await;
    let address = format!("127.0.0.1:{}", free_port());
    let launch = hookwright(&format!("serve --listen {address}")).env("HOOKWRIGHT_API_TOKEN", TOKEN);
    let mut server = Live::start(&launch).await;
    let mut provider = code(&server.url, TOKEN).await;
    let to = receiver.url("/");
    let command = format!("listen --url {} --source code --forward-to {to} --limit 6", server.url);
    let mut listen = begun(hookwright(&command).env("HOOKWRIGHT_API_TOKEN", TOKEN)).await;

    for round in 0..3 {
        provider.send(&format!("{round}-a"), &format!("{{\"n\":\"{round}-a\"}}")).await.expect(200);
        // Not told of yet, or just about to be.
        server.process.kill9().await;
        server = Live::start(&launch).await;
        provider.client = Client::anonymous(&server.url);
        provider.send(&format!("{round}-b"), &format!("{{\"n\":\"{round}-b\"}}")).await.expect(200);
    }
    assert_eq!(listen.wait_exit().await.code(), Some(0));
    let bodies: Vec<String> = receiver.received().iter().map(|one| one.text()).collect();
    let expected = ["0-a", "0-b", "1-a", "1-b", "2-a", "2-b"].map(|name| format!("{{\"n\":\"{name}\"}}"));
    assert_eq!(bodies, expected);
    server.process.kill9().await;
}

#[tokio::test]
async fn what_comes_while_the_server_cannot_be_reached_is_posted_once_it_can() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    let provider = code(&server.url, TOKEN).await;
    let proxy = BreakableProxy::start(server.url.trim_start_matches("http://").parse().unwrap()).await;
    let to = receiver.url("/");
    let command = format!("listen --source code --forward-to {to} --url http://{}", proxy.address());
    let listen = hookwright(&command).env("HOOKWRIGHT_API_TOKEN", TOKEN);
    let mut listen = begun(listen).await;
    provider.send("1", "1").await.expect(200);
    receiver.wait_for(1).await;
    proxy.cut().await;
    listen.wait_for_line(|line| line.ends_with(" Trying again until it answers."), "the outage").await;
    for number in ["2", "3"] {
        provider.send(number, number).await.expect(200);
    }
    proxy.restore().await;
    listen.wait_for_line(|line| line == "The server answers again.", "the end of the outage").await;
    provider.send("4", "4").await.expect(200);
    let received = receiver.wait_for(4).await;
    let bodies: Vec<String> = received.iter().map(|one| one.text()).collect();
    assert_eq!(bodies, ["1", "2", "3", "4"]);

    // A source that is gone does not come back.
    server.text("source delete code --yes").await;
    assert_eq!(listen.wait_exit().await.code(), Some(1));
    let said = listen.lines().pop().unwrap().text;
    assert!(said.starts_with("error: There is no source code: 404 Not Found."), "{said}");
}

#[tokio::test]
async fn what_cannot_be_listened_to_is_said_and_nothing_is_made() {
    let server = Served::start().await;
    let said = server.fails("listen --source code --forward-to http://127.0.0.1:9/").await;
    assert!(said.starts_with("There is no source code: 404 Not Found."), "{said}");
    assert_eq!(server.json("source list").await, json!([]));
    let said = server.fails("listen --source code --forward-to 127.0.0.1:9").await;
    assert!(said.starts_with("--forward-to is \"127.0.0.1:9\", which is no URL to post to."), "{said}");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let said =
        server.fails(&format!("listen --url {nobody} --source code --forward-to http://127.0.0.1:9/")).await;
    assert!(said.starts_with(&format!("The server at {nobody} cannot be reached: ")), "{said}");
}

#[tokio::test]
async fn what_is_confirmed_later_is_posted_then() {
    let (receiver, sender) = (Receiver::start().await, Receiver::start().await);
    let says = Arc::new(AtomicBool::new(false));
    let said = Arc::clone(&says);
    sender.reply_with(move |_| if said.load(Ordering::SeqCst) { Reply::ok() } else { Reply::status(503) });
    let server = Live::start(&crate::live::launch(&["200ms"; 50].join(","))).await;
    let source =
        json!({"uid": "code", "name": "Pay", "type": "generic-webhook", "confirm": {"url": sender.url("/")}});
    let made = server.client.post(PATH, &source).await.expect(201).json();
    let provider = Provider::made(&server.url, &made, &source, None);
    let to = receiver.url("/hooks");
    let launch = hookwright(&format!("listen --source code --forward-to {to} --limit 2"));
    let launch = launch.env("HOOKWRIGHT_URL", &server.url).env("HOOKWRIGHT_API_TOKEN", crate::live::TOKEN);
    let mut listen = begun(launch).await;
    provider.send("1", "{\"paid\":1}").await.expect(200);
    listen.wait_for_line(|line| line.contains("unconfirmed"), "that it is not confirmed").await;
    assert_eq!(receiver.count(), 0);
    says.store(true, Ordering::SeqCst);
    assert_eq!(listen.wait_exit().await.code(), Some(0));
    let lines = Lines::of(&printed(&listen));
    assert_eq!(lines.column("VERDICT"), ["unconfirmed", "confirmed"]);
    assert_eq!(lines.column("FORWARDED"), ["", "200"]);
    assert_eq!(receiver.wait_for(1).await[0].text(), "{\"paid\":1}");
}
