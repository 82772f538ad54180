//! Who gets to see the page.

use std::time::Duration;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright::domain::token::{Scope, TokenSettings};

use super::site::{Site, TOKEN, cookie_of};

#[tokio::test]
async fn without_a_session_the_page_asks_to_sign_in() {
    let site = Site::start().await;
    for cookie in ["", "hookwright_0=x", "hookwright=AAAA"] {
        let answer = site.get("/", cookie).await.expect(303);
        assert_eq!(answer.header("location"), Some("/login"));
        assert!(answer.body.is_empty());
    }
    let _ = site.get("/live", "").await.expect(401);
    assert!(site.get("/login", "").await.expect(200).text().contains("<form"));
}

#[tokio::test]
async fn a_link_survives_being_looked_at_and_works_once() {
    let site = Site::start().await;
    let link = site.link().await;
    // As a preview in a chat does.
    for _ in 0..3 {
        let looked_at = site.get(&link, "").await.expect(200);
        assert!(looked_at.header("set-cookie").is_none());
    }
    let opened = site.post(&link, "", "").await.expect(303);
    assert_eq!(opened.header("location"), Some("/"));
    let cookie = cookie_of(&opened);
    let _ = site.get("/", &cookie).await.expect(200);

    let again = site.post(&link, "", "").await.expect(410);
    assert!(again.header("set-cookie").is_none());
    assert!(again.text().contains("This link has been used"));
    let _ = site.get(&link, "").await.expect(410);
    // In the browser that it opened the page in, the link in the terminal still leads there.
    assert_eq!(site.get(&link, &cookie).await.expect(303).header("location"), Some("/"));
}

#[tokio::test]
async fn names_that_are_no_text_are_answered_like_names_of_nothing() {
    let site = Site::start().await;
    for link in ["/login/nonsense", "/login/%ff", "/login/%00"] {
        assert!(site.get(link, "").await.expect(410).text().contains("This link has been used"), "{link}");
        assert!(
            site.post(link, "", "").await.expect(410).text().contains("This link has been used"),
            "{link}"
        );
    }
    for file in ["/static/page.css", "/static/%ff", "/static/%2e%2e%2fCargo.toml"] {
        assert!(site.get(file, "").await.expect(404).text().contains("There is no such file"), "{file}");
    }
}

#[tokio::test]
async fn an_organisations_token_opens_the_page_and_no_other_text_does() {
    let site = Site::start().await;
    let opened = site.post("/login", "", &format!("token={TOKEN}")).await.expect(303);
    let set = opened.header("set-cookie").unwrap();
    assert!(set.contains("; HttpOnly; SameSite=Lax") && set.contains("; Path=/; Max-Age=43200"), "{set}");
    let _ = site.get("/", &cookie_of(&opened)).await.expect(200);

    let organisation = site.hooks.default_organisation();
    let own =
        site.hooks.token_create(TokenSettings::new("page", Scope::Organisation(organisation))).await.unwrap();
    let _ = site.post("/login", "", &format!("token={}", own.text.as_str())).await.expect(303);

    let application = site.application("Acme").await;
    let scope = Scope::Application(organisation, application.id);
    let tenants = site.hooks.token_create(TokenSettings::new("portal", scope)).await.unwrap();
    let refused = site.post("/login", "", "token=wrong").await.expect(401);
    for form in [&format!("token={}", tenants.text.as_str()), "token=", "", "other=field", "%%%"] {
        let answer = site.post("/login", "", form).await.expect(401);
        assert_eq!(answer.body, refused.body, "{form}");
        assert!(answer.header("set-cookie").is_none());
    }
    assert!(!refused.text().contains("wrong"));
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let link = site.link().await;
    for elsewhere in ["cross-site", "same-site"] {
        let form = format!("token={TOKEN}");
        let _ = site.post_from("/login", "", &form, elsewhere).await.expect(403);
        let _ = site.post_from(&link, "", "", elsewhere).await.expect(403);
        let _ = site.post_from("/logout", &cookie, "", elsewhere).await.expect(403);
    }
    let _ = site.get("/", &cookie).await.expect(200);
    let _ = site.post(&link, "", "").await.expect(303);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_no_other() {
    let site = Site::start().await;
    let (leaves, stays) = (site.sign_in().await, site.sign_in().await);
    let left = site.post("/logout", &leaves, "").await.expect(303);
    assert!(left.header("set-cookie").unwrap().contains("; Max-Age=0;"));
    let _ = site.get("/", &leaves).await.expect(303);
    let _ = site.get("/", &stays).await.expect(200);
}

#[tokio::test]
async fn links_and_sessions_outlive_the_server_and_end_at_their_time() {
    let clock = Clock::manual(Timestamp::from_micros(1_800_000_000_000_000));
    let site = Site::start_at(&clock).await;
    let (cookie, link, late) = (site.sign_in().await, site.link().await, site.link().await);
    let site = site.restart(&clock).await;
    let _ = site.get("/", &cookie).await.expect(200);
    let second = cookie_of(&site.post(&link, "", "").await.expect(303));

    clock.advance(Duration::from_secs(15 * 60));
    let _ = site.get(&late, "").await.expect(410);
    let _ = site.post(&late, "", "").await.expect(410);
    clock.advance(Duration::from_secs(11 * 3600 + 44 * 60));
    let _ = site.get("/", &cookie).await.expect(200);
    clock.advance(Duration::from_secs(60));
    let _ = site.get("/", &cookie).await.expect(303);
    let _ = site.get("/", &second).await.expect(303);
}

#[tokio::test]
async fn the_257th_session_signs_the_oldest_out() {
    let site = Site::start().await;
    let (first, second) = (site.sign_in().await, site.sign_in().await);
    for _ in 0..254 {
        site.sign_in().await;
    }
    let _ = site.get("/", &first).await.expect(200);
    let newest = site.sign_in().await;
    let _ = site.get("/", &first).await.expect(303);
    for cookie in [second, newest] {
        let _ = site.get("/", &cookie).await.expect(200);
    }
}
