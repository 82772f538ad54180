//! The page as somebody sees it who leaves it open.

use hookwright_testkit::{Receiver, Reply};

use super::browser::Browser;
use super::site::Site;

#[tokio::test]
async fn a_click_on_the_link_opens_the_page_and_what_is_sent_later_appears_by_itself() {
    let Some(mut browser) = Browser::start().await else { return };
    let site = Site::start().await;
    let receiver = Receiver::start().await;
    let application = site
        .application("<script>document.title='taken'</script><img src=x onerror=alert(1)>\u{202e}dlrow")
        .await;
    site.endpoint(&application, &receiver.url("/in")).await;

    browser.open(&format!("{}{}", site.base, site.link().await)).await;
    browser.until("document.querySelector('#live.on')").await;
    assert_eq!(browser.evaluate("location.pathname").await, "/");
    browser.evaluate("window.neverReloaded = true").await;

    let delivered = site.send(&application, "book.added").await;
    browser.until(&format!("document.querySelector('#{delivered}.ok')")).await;
    receiver.on("/in", [Reply::status(500)]);
    let failed = site.send(&application, "book.removed").await;
    browser.until(&format!("document.querySelector('#{failed}.bad')")).await;

    assert_eq!(browser.evaluate("window.neverReloaded").await, true);
    let first = browser.evaluate("document.querySelector('#messages > li').id").await;
    assert_eq!(first, failed.as_str());
    let shown = browser.evaluate(&format!("document.querySelector('#{delivered} h2 bdi').textContent")).await;
    assert!(
        shown.as_str().unwrap().starts_with("<script>document.title='taken'</script><img src=x"),
        "{shown}"
    );
    assert!(!shown.as_str().unwrap().contains('\u{202e}'));
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#messages script, #messages img').length").await,
        0
    );
    assert_eq!(browser.evaluate("document.title").await, "Messages · Hookwright");
}

#[tokio::test]
async fn without_scripts_the_link_has_a_button_and_a_reload_shows_what_came() {
    let Some(mut browser) = Browser::start().await else { return };
    let site = Site::start().await;
    let application = site.application("Acme").await;
    browser.without_scripts().await;

    browser.open(&format!("{}{}", site.base, site.link().await)).await;
    browser.until("document.querySelector('form[data-at-once] button')").await;
    browser.evaluate("document.querySelector('form[data-at-once] button').click()").await;
    browser.until("location.pathname === '/' && document.querySelector('.empty')").await;

    let sent = site.send(&application, "book.added").await;
    browser.open(&format!("{}/", site.base)).await;
    browser.until(&format!("document.querySelector('#{sent}')")).await;
}
