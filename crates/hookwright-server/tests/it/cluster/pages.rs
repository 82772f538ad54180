//! The operator's page behind a load balancer: one is signed in on all nodes or on none, and a link opens it once.

use hookwright_testkit::http::{Answer, Client, Method};
use hookwright_testkit::postgres;
use hookwright_testkit::{Receiver, eventually};

use crate::cluster::nodes::Nodes;
use crate::live::{Live, launch, on_postgres};
use crate::pages::events::Events;

/// What browsers see as the address of all nodes.
const PUBLIC_URL: &str = "http://hooks.example.com";

async fn two(database: &postgres::Database) -> Nodes {
    let launch = on_postgres(launch("200ms,1s,1s"), &database.url)
        .args(["--print-login-link"])
        .env("HOOKWRIGHT_PUBLIC_URL", PUBLIC_URL);
    Nodes::launched(launch, 2).await
}

/// The path of the link that a node printed.
async fn link(node: &Live) -> String {
    let line = node.process.wait_for_line(|line| line.starts_with("page: "), "the link").await;
    line.trim_start_matches("page: ").trim_start_matches(PUBLIC_URL).to_owned()
}

async fn ask(node: &Live, method: Method, path: &str, cookie: &str) -> Answer {
    let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
    Client::anonymous(&node.url).request(method, path, &headers, "").await
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_the_page_on_any_node_and_on_one_of_them_once() {
    let Some(database) = postgres::database().await else { return };
    let nodes = two(&database).await;
    let (a, b) = (nodes.node(0), nodes.node(1));
    for (number, link) in [link(a).await, link(b).await].into_iter().enumerate() {
        for node in [a, b] {
            ask(node, Method::GET, &link, "").await.expect(200);
        }
        let both = tokio::join!(ask(a, Method::POST, &link, ""), ask(b, Method::POST, &link, ""));
        let (opened, refused): (Vec<_>, Vec<_>) =
            [both.0, both.1].into_iter().partition(|answer| answer.status == 303);
        assert_eq!((opened.len(), refused.len()), (1, 1), "link {number}");
        assert_eq!(refused[0].status, 410);
        let cookie = cookie_of(&opened[0]);
        for node in [a, b] {
            ask(node, Method::GET, "/", &cookie).await.expect(200);
            ask(node, Method::GET, &link, "").await.expect(410);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_signed_in_on_all_nodes_until_one_signs_out_on_any() {
    let Some(database) = postgres::database().await else { return };
    let (mut nodes, receiver) = (two(&database).await, Receiver::start().await);
    nodes.set_up(&receiver).await;
    let opened = ask(nodes.node(0), Method::POST, &link(nodes.node(0)).await, "").await.expect(303);
    let cookie = cookie_of(&opened);
    // The node that one signed in at is another by now.
    nodes.stop(0).await;
    ask(nodes.node(1), Method::GET, "/", &cookie).await.expect(200);
    nodes.start_again(0).await;
    let (a, b) = (nodes.node(0), nodes.node(1));
    ask(a, Method::GET, "/", &cookie).await.expect(200);

    // An open page shows what comes to other nodes.
    let mut events = Events::open(&b.url, &cookie).await;
    assert_eq!(events.status, 200);
    assert_eq!(events.next().await.unwrap().name, "list");
    let sent = a.send(&serde_json::json!({})).await;
    while !events.next().await.unwrap().data.contains(&sent) {}

    ask(a, Method::POST, "/logout", &cookie).await.expect(303);
    for node in [a, b] {
        assert_eq!(ask(node, Method::GET, "/", &cookie).await.expect(303).header("location"), Some("/login"));
    }
    while events.next().await.is_some() {}
    eventually("that nothing is kept of it", async || {
        let left = database.ask("SELECT count(*) FROM ticket WHERE kind = 1").await;
        if left == "0" { Ok(()) } else { Err(left) }
    })
    .await;
}
