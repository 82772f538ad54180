//! What the page says, and what it lets a browser do.

use std::time::Duration;

use hookwright::domain::retry::RetryPolicy;
use hookwright_testkit::{Receiver, Reply};

use super::site::Site;

#[tokio::test]
async fn what_became_of_a_message_is_told_in_words() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    assert!(site.get("/", &cookie).await.text().contains("Nothing has been sent yet."));

    let lonely = site.application("Globex").await;
    site.send(&lonely, "user.created").await;
    let page = site.page_with(&cookie, "No endpoint wanted it").await;
    assert!(page.contains("user.created") && page.contains("Globex"));

    let receiver = Receiver::start().await;
    let served = site.application("The Reading Room").await;
    site.endpoint(&served, &receiver.url("/hooks/in?key=hunter2")).await;
    site.send(&served, "book.added").await;
    let page = site.page_with(&cookie, "Delivered").await;
    assert!(page.contains("<b>200</b>") && page.contains("/hooks/in</bdi>"), "{page}");
    assert!(!page.contains("hunter2"));

    receiver.on("/hooks/in", [Reply::status(500)]);
    site.send(&served, "book.removed").await;
    let page = site.page_with(&cookie, "Given up").await;
    assert!(page.contains("<b>500</b>") && page.contains("500 Internal Server Error</bdi>"), "{page}");
}

#[tokio::test]
async fn a_message_that_failed_tells_when_it_is_tried_again() {
    let site = Site::start_with(RetryPolicy { schedule: vec![Duration::from_secs(3_000)] }).await;
    let cookie = site.sign_in().await;
    let receiver = Receiver::start().await;
    receiver.on("/", [Reply::status(503)]);
    let application = site.application("Acme").await;
    site.endpoint(&application, &receiver.url("/")).await;
    site.send(&application, "invoice.paid").await;
    let page = site.page_with(&cookie, "On its way, next attempt <time").await;
    // 50 minutes, give or take a tenth.
    assert!(page.contains("data-due>in 4") || page.contains("data-due>in 5"), "{page}");
}

#[tokio::test]
async fn hostile_names_are_text_and_nothing_else() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let name = format!("<script>alert(1)</script>\"'&\u{202e}\r\n{}", "x".repeat(500));
    let application = site.application(&name).await;
    site.send(&application, "user.created").await;
    let page = site.page_with(&cookie, "user.created").await;
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;⟨U+202E⟩"), "{page}");
    assert!(!page.contains("<script>") && !page.contains('\u{202e}') && !page.contains('\r'));
    assert!(!page.contains(&"x".repeat(100)));
}

#[tokio::test]
async fn pages_let_a_browser_do_no_more_than_they_need() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    for (path, cookie) in [("/", cookie.as_str()), ("/login", ""), (&site.link().await, "")] {
        let answer = site.get(path, cookie).await.expect(200);
        let policy = answer.header("content-security-policy").unwrap();
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.split("; ").any(|part| part == directive), "{path}: {policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let page = answer.text();
        assert!(
            !page.contains(" style=") && !page.contains("<style") && !page.contains(" onload="),
            "{page}"
        );
    }
}

#[tokio::test]
async fn the_page_is_small_and_its_files_are_kept_by_browsers() {
    let site = Site::start().await;
    let page = site.get("/", &site.sign_in().await).await.expect(200).text();
    let mut size = page.len();
    let mut files: Vec<&str> = page.split('"').filter(|text| text.starts_with("/static/")).collect();
    files.sort_unstable();
    files.dedup();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        let answer = site.get(file, "").await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert!(answer.header("etag").is_some());
        size += answer.body.len();
    }
    assert!(size < 20_000, "{size} bytes");
    let _ = site.get("/static/page.0000000000000000.css", "").await.expect(404);
}
