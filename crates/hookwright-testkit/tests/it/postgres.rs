//! A private PostgreSQL, and a database for each test.

use hookwright_testkit::postgres::{self, Stop};

#[tokio::test]
async fn each_test_has_an_empty_database_of_its_own() {
    let Some(one) = postgres::database().await else { return };
    let Some(other) = postgres::database().await else { return };
    one.execute("CREATE TABLE book (title text); INSERT INTO book VALUES ('Momo')").await;
    assert_eq!(one.ask("SELECT title FROM book").await, "Momo");
    assert_eq!(other.ask("SELECT count(*) FROM pg_tables WHERE tablename = 'book'").await, "0");
    assert_eq!(one.ask("SHOW fsync").await, "on");
    assert_eq!(one.ask("SHOW synchronous_commit").await, "on");
}

#[tokio::test]
async fn a_cluster_keeps_what_is_committed_however_it_is_stopped_and_goes_when_dropped() {
    let Some(cluster) = postgres::cluster() else { return };
    let database = cluster.database().await;
    database.execute("CREATE TABLE book (title text)").await;
    for stop in [Stop::Fast, Stop::Immediate] {
        database.execute("INSERT INTO book VALUES ('Momo')").await;
        cluster.stop(stop);
        assert!(std::net::TcpStream::connect(("127.0.0.1", cluster.port())).is_err());
        cluster.start_again();
    }
    assert_eq!(database.ask("SELECT count(*) FROM book").await, "2");
    let port = cluster.port();
    drop(cluster);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}
