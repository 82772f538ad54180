//! Applications that a list leaves out.

use hookwright::domain::application::ApplicationSettings;
use serde_json::{Value, json};

use super::rig::{Rig, column, text, wrong_place};

const NO_ENDPOINTS: &str = "exclude_apps_with_no_endpoints=true";
const DISABLED: &str = "exclude_apps_with_disabled_endpoints=true";
const PLAY: &str = "exclude_apps_with_svix_play_endpoints=true";

/// Applications named by what their endpoints are: `d` disabled, `p` at Svix Play, `e` any other, `b` both disabled and at Play.
async fn applications(rig: &Rig) {
    for name in ["none", "d", "dd", "p", "b", "dp", "e", "de", "pe"] {
        rig.application(name).await;
        for kind in name.chars().filter(|_| name != "none") {
            let url =
                if "pb".contains(kind) { "https://play.svix.com/in/e_x/" } else { "http://127.0.0.1:9/" };
            let body = json!({"url": url, "disabled": "db".contains(kind)});
            rig.client.post(&format!("/api/v1/app/{name}/endpoint"), &body).await.expect(201);
        }
    }
}

#[tokio::test]
async fn each_filter_leaves_out_what_it_says_and_all_of_them_hold() {
    let rig = Rig::start().await;
    applications(&rig).await;
    for (query, wanted) in [
        ("", &["none", "d", "dd", "p", "b", "dp", "e", "de", "pe"][..]),
        (NO_ENDPOINTS, &["d", "dd", "p", "b", "dp", "e", "de", "pe"]),
        (DISABLED, &["none", "p", "dp", "e", "de", "pe"]),
        (PLAY, &["none", "d", "dd", "dp", "e", "de", "pe"]),
        (&format!("{NO_ENDPOINTS}&{DISABLED}&{PLAY}"), &["dp", "e", "de", "pe"]),
        ("exclude_apps_with_no_endpoints=false", &["none", "d", "dd", "p", "b", "dp", "e", "de", "pe"]),
    ] {
        let found = rig.client.get(&format!("/api/v1/app?{query}")).await.expect(200);
        assert_eq!(column(&found, "uid"), wanted, "{query}");
        assert_eq!(found.json()["done"], true);
        let found = rig.client.get(&format!("/api/v1/app?order=descending&{query}")).await.expect(200);
        let backward: Vec<_> = wanted.iter().rev().map(|name| json!(name)).collect();
        assert_eq!(column(&found, "uid"), backward, "{query}");
    }
    let refused = rig.client.get("/api/v1/app?exclude_apps_with_no_endpoints=perhaps").await.expect(422);
    assert_eq!(wrong_place(&refused), "query.exclude_apps_with_no_endpoints");
}

#[tokio::test]
async fn filtered_pages_are_walked_forward_and_back() {
    let rig = Rig::start().await;
    applications(&rig).await;
    let page = async |iterator: Option<Value>| {
        let iterator = iterator.map(|iterator| format!("&iterator={}", text(&iterator))).unwrap_or_default();
        rig.client.get(&format!("/api/v1/app?limit=2&{DISABLED}{iterator}")).await.expect(200)
    };
    let first = page(None).await;
    assert_eq!(column(&first, "uid"), ["none", "p"]);
    let second = page(Some(first.json()["iterator"].clone())).await;
    assert_eq!(column(&second, "uid"), ["dp", "e"]);
    let third = page(Some(second.json()["iterator"].clone())).await;
    assert_eq!(
        (column(&third, "uid"), &third.json()["done"]),
        (vec![json!("de"), json!("pe")], &json!(true))
    );
    let back = page(Some(third.json()["prevIterator"].clone())).await;
    assert_eq!(column(&back, "uid"), ["dp", "e"]);
}

#[tokio::test]
async fn a_page_that_finds_nothing_among_very_many_ends_in_time_and_goes_on() {
    let rig = Rig::start().await;
    let organisation = rig.hooks.default_organisation();
    let mut last = None;
    let mut making = tokio::task::JoinSet::new();
    for _ in 0..10_050 {
        let hooks = rig.hooks.clone();
        let settings = ApplicationSettings { name: "empty".to_owned(), ..Default::default() };
        making.spawn(async move { hooks.application_create(organisation, settings).await.unwrap().id });
    }
    while let Some(made) = making.join_next().await {
        last = last.max(Some(made.unwrap()));
    }
    let application = last.unwrap().to_string();
    rig.endpoint(&application, "http://127.0.0.1:9/").await;
    let walk =
        async |query: &str| rig.client.get(&format!("/api/v1/app?{NO_ENDPOINTS}&{query}")).await.expect(200);
    let first = walk("").await;
    assert_eq!((column(&first, "id").len(), &first.json()["done"]), (0, &json!(false)));
    let second = walk(&format!("iterator={}", text(&first.json()["iterator"]))).await;
    assert_eq!((column(&second, "id"), &second.json()["done"]), (vec![json!(application)], &json!(true)));
    let back = walk(&format!("iterator={}", text(&second.json()["prevIterator"]))).await;
    assert_eq!((column(&back, "id").len(), &back.json()["done"]), (0, &json!(false)));
    let start = walk(&format!("iterator={}", text(&back.json()["prevIterator"]))).await;
    assert_eq!((column(&start, "id").len(), &start.json()["done"]), (0, &json!(true)));
}
