//! How a server is reached: TLS and whom it trusts, poolers between, replicas, and the settings that a start warns of.

use std::time::{Duration, Instant};

use hookwright_testkit::postgres::{self, Cluster, Database, Stop};
use hookwright_testkit::{Authority, Launch, Leaf, Receiver, eventually_within};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::live::{Live, launch, on_postgres};

/// A start that fails does so within this, and a database that is back is used within this.
const AT_MOST: Duration = Duration::from_secs(15);
/// That the sessions of a server are encrypted.
const ENCRYPTED: &str = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                         WHERE application_name = 'hookwright'";

fn on(url: &str) -> Launch {
    on_postgres(launch("1s"), url)
}

/// Starts, delivers a message, and stops.
async fn serves(url: &str) {
    let mut server = Live::start(&on(url)).await;
    let receiver = Receiver::start().await;
    let number = fastrand::u64(..);
    let application = json!({"name": "App", "uid": format!("app-{number}")});
    server.client.post("/api/v1/app", &application).await.expect(201);
    let path = format!("/api/v1/app/app-{number}");
    server.client.post(&format!("{path}/endpoint"), &json!({"url": receiver.url("/")})).await.expect(201);
    let message = json!({"eventType": "book.added", "payload": {}});
    server.client.post(&format!("{path}/msg"), &message).await.expect(202);
    receiver.wait_for(1).await;
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0));
}

/// A start that fails: the one line that says why.
async fn refused(url: &str) -> String {
    let started = Instant::now();
    let output = on(url).run().await;
    assert_eq!(output.status.code(), Some(1), "{url}: {output:?}");
    assert!(started.elapsed() < AT_MOST, "{url}: {output:?}");
    output.stderr
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_used_as_the_url_says_and_a_wrong_certificate_is_refused_in_words() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let Some(cluster) = postgres::cluster_with_tls(&authority, Leaf::Valid) else { return };
    let database = cluster.database().await;
    let (own, other) = (authority.pem_path().display(), stranger.pem_path().display());
    for query in [
        "sslmode=require".to_owned(),
        format!("sslmode=verify-ca&sslrootcert={own}"),
        format!("sslmode=verify-full&sslrootcert={own}"),
        format!("sslrootcert={own}"),
    ] {
        let url = format!("{}?{query}", database.url);
        let server = Live::start(&on(&url)).await;
        assert_eq!(database.ask(ENCRYPTED).await, "t", "{query}");
        drop(server);
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let said = refused(&format!("{}?sslmode={mode}&sslrootcert={other}", database.url)).await;
        assert!(
            said.contains("none of the authorities that sslrootcert names has signed it"),
            "{mode}: {said}"
        );
    }
    // The operating system's do not know it either.
    let said = refused(&format!("{}?sslmode=verify-full", database.url)).await;
    assert!(said.contains("the certificate of the PostgreSQL server is refused"), "{said}");
    let said = refused(&format!("{}?sslmode=verify-full&sslrootcert=/nowhere.pem", database.url)).await;
    assert!(said.contains("sslrootcert /nowhere.pem cannot be read"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_host_is_enough_for_verify_ca_alone() {
    let authority = Authority::new();
    let Some(cluster) = postgres::cluster_with_tls(&authority, Leaf::WrongName) else { return };
    let database = cluster.database().await;
    let own = authority.pem_path().display();
    let said = refused(&format!("{}?sslmode=verify-full&sslrootcert={own}", database.url)).await;
    assert!(said.contains("it is for another host than that of the URL"), "{said}");
    serves(&format!("{}?sslmode=verify-ca&sslrootcert={own}", database.url)).await;
    drop(cluster);
    let Some(cluster) = postgres::cluster_with_tls(&authority, Leaf::Expired) else { return };
    let database = cluster.database().await;
    for mode in ["verify-ca", "verify-full"] {
        let said = refused(&format!("{}?sslmode={mode}&sslrootcert={own}", database.url)).await;
        assert!(said.contains("it has expired"), "{mode}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let Some(database) = postgres::database().await else { return };
    let said = refused(&format!("{}?sslmode=require", database.url)).await;
    assert!(said.contains("server does not support TLS"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbouncer_works_with_whole_sessions_and_is_refused_otherwise() {
    let Some(cluster) = postgres::cluster() else { return };
    let database = cluster.database().await;
    for mode in ["transaction", "statement"] {
        let Some(bouncer) = postgres::bouncer(&cluster, &format!("pool_mode = {mode}")) else { return };
        let said = refused(&bouncer.before(&database).url).await;
        assert!(said.contains("set pool_mode = session in PgBouncer"), "{mode}: {said}");
        // Also while others use it, and have given their connections back.
        let others = bouncer.before(&database);
        let (one, two) = tokio::join!(others.hold(3), others.hold(3));
        drop((one, two));
        let said = refused(&others.url).await;
        assert!(said.contains("set pool_mode = session in PgBouncer"), "{mode}: {said}");
    }
    let Some(bouncer) = postgres::bouncer(&cluster, &settings_of_the_guide()) else { return };
    serves(&bouncer.before(&database).url).await;
    // And through it a server that goes is found again.
    let server = Live::start(&on(&bouncer.before(&database).url)).await;
    server.set_up(&[]).await;
    cluster.stop(Stop::Immediate);
    let message = json!({"eventType": "book.added", "payload": {}});
    let asked = Instant::now();
    let answer = server.client.post("/api/v1/app/app/msg", &message).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    cluster.start_again();
    accepts_again(&server).await;
}

/// What the guide says to set in PgBouncer.
fn settings_of_the_guide() -> String {
    let guide = include_str!("../../../../../docs/guides/postgres.md");
    let (_, after) = guide.split_once("[pgbouncer]\n").expect("the guide has a section for PgBouncer");
    after.split_once("```").expect("it ends").0.to_owned()
}

async fn accepts_again(server: &Live) {
    let message = json!({"eventType": "book.added", "payload": {}});
    eventually_within(AT_MOST, "that messages are accepted", async || {
        let answer = server.client.post("/api/v1/app/app/msg", &message).await;
        if answer.status == 202 { Ok(()) } else { Err(answer.status) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_refused_and_used_once_it_is_the_primary() {
    let Some(primary) = postgres::cluster() else { return };
    let database = primary.database().await;
    let replica = primary.replica();
    let name = database.url.rsplit_once('/').unwrap().1;
    let said = refused(&replica.url(name)).await;
    assert!(said.contains("the PostgreSQL server is a read-only replica; name the primary server"), "{said}");
    // Both are named: whichever takes writes is used.
    let both = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{name}?target_session_attrs=read-write",
        replica.port(),
        primary.port()
    );
    let server = Live::start(&on(&both)).await;
    let receiver = Receiver::start().await;
    server.set_up(&[("one", receiver.url("/"))]).await;
    let before = server.send(&json!({"before": true})).await;
    receiver.wait_for(1).await;
    follow(&primary, &replica).await;
    primary.stop(Stop::Immediate);
    replica.execute("SELECT pg_promote()").await;
    accepts_again(&server).await;
    server.client.get(&format!("/api/v1/app/app/msg/{before}")).await.expect(200);
    receiver.wait_for(2).await;
    server.is_well().await;
}

/// Waits until a replica has all that its primary has.
async fn follow(primary: &Cluster, replica: &Cluster) {
    let (primary, replica) =
        (Database { url: primary.url("postgres") }, Database { url: replica.url("postgres") });
    let written = primary.ask("SELECT pg_current_wal_lsn()").await;
    let has = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
    eventually_within(AT_MOST, "that the replica follows", async || match replica.ask(&has).await.as_str() {
        "t" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
}

/// A port whose connections are not answered, as on a machine that is gone: so many are made that no more are taken.
async fn silent_port() -> (u16, Vec<TcpStream>, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, mut waiting) = (listener.local_addr().unwrap(), Vec::new());
    while let Ok(connected) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        waiting.push(connected.unwrap());
    }
    (address.port(), waiting, listener)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_gone_leaves_time_for_the_next_one() {
    let Some(database) = postgres::database().await else { return };
    let (silent, _waiting, _listener) = silent_port().await;
    serves(&database.url.replace("@127.0.0.1:", &format!("@127.0.0.1:{silent},127.0.0.1:"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn synchronous_commit_that_is_off_for_the_user_or_the_database_is_warned_of() {
    let Some(cluster) = postgres::cluster() else { return };
    let database = cluster.database().await;
    let name = database.url.rsplit_once('/').unwrap().1;
    let warns = async |url: &str| {
        let server = Live::start(&on(url)).await;
        server.process.lines().iter().any(|line| line.text.contains("synchronous_commit is off"))
    };
    assert!(!warns(&database.url).await, "it is on");
    cluster.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
    assert!(warns(&database.url).await, "it is off for the database");
    cluster.execute(&format!("ALTER DATABASE {name} RESET synchronous_commit")).await;
    cluster
        .execute("CREATE ROLE careless SUPERUSER LOGIN; ALTER ROLE careless SET synchronous_commit = off")
        .await;
    assert!(warns(&database.url.replace("postgres@", "careless@")).await, "it is off for the user");
}
