//! The real program on a PostgreSQL database.

use std::time::{Duration, Instant};

use hookwright_testkit::http::Method;
use hookwright_testkit::postgres::{self, Database, Stop};
use hookwright_testkit::{Launch, Receiver, Reply, eventually, eventually_within};
use serde_json::json;

use crate::live::{Live, launch, on_postgres};

fn on(database: &Database, retry_schedule: &str) -> Launch {
    on_postgres(launch(retry_schedule), &database.url)
}

/// A start that fails: what it says.
async fn refused(launch: &Launch) -> String {
    let started = Instant::now();
    let output = launch.run().await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(started.elapsed() < Duration::from_secs(15), "{output:?}");
    output.stderr
}

#[tokio::test]
async fn what_is_pending_at_the_end_is_delivered_after_the_next_start() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    receiver.reply_with(|request| if request.sequence < 2 { Reply::status(500) } else { Reply::ok() });
    let launch = on(&database, "100ms,1s,1s");
    let mut server = Live::start(&launch).await;
    server.set_up(&[("one", receiver.url("/"))]).await;
    let retried = server.send(&json!({"number": 1})).await;
    receiver.wait_for(2).await;
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0));

    let mut server = Live::start(&launch).await;
    let received = receiver.wait_for(3).await;
    assert!(received.iter().all(|request| request.id() == retried));
    let killed = server.send(&json!({"number": 2})).await;
    server.process.kill9().await;
    let server = Live::start(&launch).await;
    eventually("the second message", async || {
        let received = receiver.received();
        if received.iter().any(|request| request.id() == killed) { Ok(()) } else { Err(received.len()) }
    })
    .await;
    server.is_well().await;
}

#[tokio::test]
async fn a_database_that_goes_is_told_with_503_and_found_when_it_is_back() {
    let Some(cluster) = postgres::cluster() else { return };
    let server = Live::start(&on(&cluster.database().await, "1s")).await;
    let receiver = Receiver::start().await;
    server.set_up(&[("one", receiver.url("/"))]).await;
    server.send(&json!({})).await;
    let message = json!({"eventType": "book.added", "payload": {}});
    for stop in [Stop::Fast, Stop::Immediate] {
        cluster.stop(stop);
        let requests = [
            (Method::POST, "/api/v1/app/app/msg", message.to_string()),
            (Method::GET, "/api/v1/app/app/msg", String::new()),
            (Method::GET, "/api/v1/health/ready", String::new()),
        ];
        for (method, path, body) in requests {
            let asked = Instant::now();
            let answer =
                server.client.request(method, path, &[("content-type", "application/json")], body).await;
            assert!(asked.elapsed() < Duration::from_secs(5), "{path}: {:?}", asked.elapsed());
            assert_eq!(answer.status, 503, "{path}");
            assert!(answer.json()["detail"].is_string(), "{path}");
            assert!(answer.headers.contains_key("retry-after"), "{path}: {:?}", answer.headers);
        }
        cluster.start_again();
        let accepted = async || {
            let answer = server.client.post("/api/v1/app/app/msg", &message).await;
            if answer.status == 202 { Ok(()) } else { Err(answer.status) }
        };
        eventually_within(Duration::from_secs(15), "that messages are accepted", accepted).await;
        server.is_well().await;
    }
    receiver.wait_for(3).await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_in_one_sentence_and_those_who_run_go_on() {
    let Some(database) = postgres::database().await else { return };
    let launch = on(&database, "1s");
    let mut server = Live::start(&launch).await;
    database.execute("INSERT INTO migration (version) SELECT max(version) + 1 FROM migration").await;
    let said = refused(&launch).await;
    assert_eq!(said.lines().filter(|line| line.contains("newer")).count(), 1, "{said}");
    server.is_well().await;
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0));
}

#[tokio::test]
async fn without_a_master_key_a_start_says_which_setting_is_missing() {
    // Nobody listens there: what is missing is told first.
    let launch = launch("1s").env("HOOKWRIGHT_DATABASE_URL", "postgres://127.0.0.1:1/hooks");
    let said = refused(&launch.env("HOOKWRIGHT_MASTER_KEY", "")).await;
    assert!(said.contains("needs a master key"), "{said}");
    assert!(said.contains("set HOOKWRIGHT_MASTER_KEY to id:key"), "{said}");
}

#[tokio::test]
async fn a_server_that_may_lose_what_it_committed_is_warned_of() {
    let Some(database) = postgres::database().await else { return };
    let careless = Database { url: format!("{}?options=-csynchronous_commit%3Doff", database.url) };
    let server = Live::start(&on(&careless, "1s")).await;
    server.process.wait_for_line(|line| line.contains("synchronous_commit is off"), "the warning").await;
}

#[tokio::test]
async fn the_password_is_in_no_error_and_in_no_list_of_settings() {
    let url = "postgres://me:pass_word@127.0.0.1:1/hooks";
    let database = Database { url: url.to_owned() };
    let said = refused(&on(&database, "1s")).await;
    assert!(said.contains("postgres://127.0.0.1:1/hooks: the PostgreSQL server cannot be reached"), "{said}");
    let checked =
        on(&database, "1s").instead(env!("CARGO_BIN_EXE_hookwright")).args(["config", "check"]).run().await;
    for said in [said, checked.stdout, checked.stderr] {
        assert!(!said.contains("pass_word"), "{said}");
    }
}
