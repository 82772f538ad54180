//! What docs/guides/postgres.md says to do is done here, as it stands there.

use std::path::Path;
use std::time::Duration;

use hookwright_testkit::postgres::{self, Stop};
use hookwright_testkit::{Launch, Receiver, eventually_within};
use serde_json::json;

use crate::live::{Live, TOKEN, launch, on_postgres};

const GUIDE: &str = include_str!("../../../../../docs/guides/postgres.md");
/// The server that the guide's URLs name.
const NAMED: &str = "db.example.com:5432";

/// What takes the place of `hookwright serve`, which would not end: it starts, does what it is for, and stops. The first makes
/// what the later ones must find: an application, and the secret of its endpoint, which only the master key opens.
const SERVING: &str = r#"
set -euo pipefail
export HOOKWRIGHT_API_TOKEN=%TOKEN% HOOKWRIGHT_ALLOW_TARGET_NETWORKS=127.0.0.0/8
authorization="authorization: Bearer $HOOKWRIGHT_API_TOKEN"
hookwright() {
    if [ "$1" != serve ]; then
        %PROGRAM% "$@"
        return
    fi
    : > serving.log
    %PROGRAM% serve --listen 127.0.0.1:0 >> serving.log 2>&1 &
    local pid=$! tries=0 url=""
    until url=$(sed -n 's/^listening: //p' serving.log) && [ -n "$url" ]; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 $pid; then cat serving.log >&2; return 1; fi
        sleep 0.1
    done
    if [ -z "${was_made:-}" ]; then
        was_made=yes
        post "$url/api/v1/app" '{"name": "Acme", "uid": "acme"}'
        post "$url/api/v1/app/acme/endpoint" '{"uid": "one", "url": "http://127.0.0.1:9/"}'
        post "$url/api/v1/app/acme/msg" '{"eventType": "book.added", "payload": {"title": "Momo"}}'
    fi
    curl --silent --show-error --fail --header "$authorization" "$url/api/v1/app/acme/endpoint/one/secret" | grep whsec_
    curl --silent --show-error --fail --header "$authorization" "$url/api/v1/app/acme/msg?with_content=true" | grep Momo
    kill -TERM $pid
    wait $pid
    echo "served from $HOOKWRIGHT_DATABASE_URL"
}
post() {
    curl --silent --show-error --fail --header "$authorization" --header "content-type: application/json" --data "$2" "$1"
}
"#;

/// The guide's commands, in order. Those of the move, which stand in a list, have tests of their own.
fn commands() -> Vec<&'static str> {
    let blocks = GUIDE.split("\n```sh\n").skip(1);
    blocks.map(|block| block.split_once("```").expect("a block ends").0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_guide_work_as_written() {
    let Some(cluster) = postgres::cluster() else { return };
    let program = env!("CARGO_BIN_EXE_hookwright");
    let mut script = SERVING.replace("%PROGRAM%", program).replace("%TOKEN%", TOKEN);
    for block in commands() {
        script.push_str(&block.replace(NAMED, &format!("127.0.0.1:{}", cluster.port())));
    }
    script.push_str("echo all of it was done\n");
    let path = std::env::var("PATH").unwrap_or_default();
    let shell = Launch::new("bash")
        .args(["-c", &script])
        .env("PATH", format!("{}:{path}", cluster.programs().display()))
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", cluster.port().to_string())
        .env("PGUSER", "postgres");
    let done = shell.run().await;
    assert!(done.status.success(), "{script}\n{done:?}");
    assert!(done.stdout.contains("all of it was done"), "{done:?}");
    let served: Vec<&str> = done.stdout.lines().filter(|line| line.starts_with("served from")).collect();
    assert_eq!(served.len(), commands().iter().filter(|block| block.contains("hookwright serve")).count());
    assert!(served.last().unwrap().ends_with("/restored"), "{served:?}");
    assert!(Path::new(shell.directory()).join("hookwright.dump").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_of_the_guide_are_there() {
    let Some(cluster) = postgres::cluster() else { return };
    let database = cluster.database().await;
    let launch = on_postgres(launch("1s"), &database.url);
    let (server, receiver) = (Live::start(&launch).await, Receiver::start().await);
    server.set_up(&[("one", receiver.url("/"))]).await;
    server.send(&json!({})).await;
    receiver.wait_for(1).await;
    let metrics = async || server.client.get("/metrics").await.expect(200).text();
    let shown = metrics().await;
    let named = GUIDE.split('`').filter(|span| span.starts_with("hookwright_"));
    for name in named {
        assert!(shown.contains(&format!("# TYPE {name} ")), "{name} is not in\n{shown}");
    }
    assert!(shown.contains("hookwright_database_takes_batches 1"), "{shown}");
    cluster.stop(Stop::Fast);
    let message = json!({"eventType": "book.added", "payload": {}});
    server.client.post("/api/v1/app/app/msg", &message).await.expect(503);
    assert!(metrics().await.contains("hookwright_database_takes_batches 0"));
    cluster.start_again();
    eventually_within(Duration::from_secs(15), "that batches are taken", async || {
        let shown = metrics().await;
        if shown.contains("hookwright_database_takes_batches 1") { Ok(()) } else { Err(shown) }
    })
    .await;
}
