//! The operator's command: a real script, run by the real program for what happens.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hookwright_testkit::{Launch, Receiver, Reply, eventually};
use serde_json::{Value, json};

use crate::live::{Live, launch};

/// Puts an executable script into a folder.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("notify");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A server whose command is this script, called with this argument.
fn notifying(text: &str, argument: &str) -> (Launch, PathBuf) {
    let launch = launch("50ms");
    let folder = launch.directory().to_owned();
    let words = json!([script(&folder, text), argument]);
    fs::write(folder.join("hookwright.toml"), format!("[notify]\ncommand = {words}\n")).unwrap();
    (launch, folder)
}

/// The lines of a file, once there are so many.
async fn lines(path: &Path, count: usize) -> Vec<String> {
    eventually("what the command wrote", async || {
        let lines: Vec<String> =
            fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect();
        if lines.len() >= count { Ok(lines) } else { Err(lines) }
    })
    .await
}

#[tokio::test]
async fn the_command_gets_each_event_and_nothing_of_the_servers_secrets() {
    let text =
        "cat >> \"$1/events\"\nenv >> \"$1/environment\"\necho \"$HOOKWRIGHT_EVENT_TYPE\" >> \"$1/types\"";
    let (launch, folder) = notifying(text, ".");
    let server = Live::start(&launch.env("HOOKWRIGHT_JWT_SECRET", "a-secret-of-the-server")).await;
    let customer = Receiver::start().await;
    customer.script([Reply::status(410)]);
    server.set_up(&[("main", customer.url("/"))]).await;
    server.send(&json!({})).await;
    assert_eq!(lines(&folder.join("types"), 2).await, ["endpoint.created", "endpoint.disabled"]);
    let told: Vec<Value> = lines(&folder.join("events"), 2)
        .await
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told[1]["type"], "endpoint.disabled");
    assert_eq!((&told[1]["data"]["owner"], &told[1]["data"]["lastStatus"]), (&json!("app"), &json!(410)));
    assert!(told[1]["organizationId"].as_str().unwrap().starts_with("org_"));
    let environment = fs::read_to_string(folder.join("environment")).unwrap();
    assert!(environment.contains("HOOKWRIGHT_EVENT_TYPE=endpoint.created"), "{environment}");
    assert!(environment.contains("PATH="), "{environment}");
    for secret in ["a-secret-of-the-server", crate::live::TOKEN, "HOOKWRIGHT_JWT_SECRET"] {
        assert!(!environment.contains(secret), "{environment}");
    }
}

#[tokio::test]
async fn a_command_that_fails_is_in_the_log_and_the_next_event_is_told() {
    let (launch, folder) = notifying("cat >> \"$1/events\"\necho no pager is there >&2\nexit 3", ".");
    let server = Live::start(&launch).await;
    server
        .set_up(&[("one", "http://127.0.0.1:9/".to_owned()), ("two", "http://127.0.0.1:9/".to_owned())])
        .await;
    lines(&folder.join("events"), 2).await;
    let line = server.process.wait_for_line(|line| line.contains("no pager is there"), "a warning").await;
    assert!(line.contains("WARN") && line.contains("endpoint.created"), "{line}");
    server.is_well().await;
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_and_the_next_event_is_told() {
    let text = "[ -e \"$1/first\" ] || { touch \"$1/first\"; sleep 1000; }\ncat >> \"$1/events\"";
    let (launch, folder) = notifying(text, ".");
    let server = Live::start(&launch).await;
    let nowhere = "http://127.0.0.1:9/".to_owned();
    server.set_up(&[("one", nowhere.clone()), ("two", nowhere)]).await;
    let killed = "it took longer than 10 seconds and was killed";
    let line = server.process.wait_for_line(|line| line.contains(killed), "a warning").await;
    assert!(line.contains("WARN"), "{line}");
    let told = lines(&folder.join("events"), 1).await;
    let second: Value = serde_json::from_str(&told[0]).unwrap();
    assert_eq!((told.len(), &second["data"]["endpointUid"]), (1, &json!("two")));
}

#[tokio::test]
async fn a_command_that_does_not_end_is_killed_with_all_it_started_when_the_server_stops() {
    let (launch, folder) = notifying("sleep 1000 &\necho $! > \"$1/child\"\nwait", ".");
    let mut server = Live::start(&launch.env("HOOKWRIGHT_SHUTDOWN_GRACE", "200ms")).await;
    server.set_up(&[("one", "http://127.0.0.1:9/".to_owned())]).await;
    let child: i32 = lines(&folder.join("child"), 1).await[0].parse().unwrap();
    let child = Path::new("/proc").join(child.to_string());
    assert!(child.exists());
    server.process.terminate();
    assert!(server.process.wait_exit().await.success());
    eventually("the death of what the command started", async || {
        // Whoever adopted it may not have buried it yet.
        let state = fs::read_to_string(child.join("stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") { Ok(()) } else { Err(state) }
    })
    .await;
}

#[tokio::test]
async fn a_command_that_is_not_there_is_an_error_at_the_start_and_at_the_check() {
    for (words, expected) in [
        (json!(["/no/such/program"]), "the program /no/such/program of notify_command is not there"),
        (json!(["no-such-program-anywhere"]), "is in none of the folders of PATH"),
        (json!(["/etc/passwd"]), "cannot be executed; make it executable with chmod +x"),
    ] {
        for arguments in [&["config", "check"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let launch = Launch::new(env!("CARGO_BIN_EXE_hookwright")).args(arguments);
            let file = launch.directory().join("hookwright.toml");
            fs::write(file, format!("[notify]\ncommand = {words}\n")).unwrap();
            let output = launch.run().await;
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(output.stderr.contains(expected), "{output:?}");
        }
    }
}
