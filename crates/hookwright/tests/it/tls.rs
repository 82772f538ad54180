//! HTTPS endpoints with good and bad certificates.

use std::time::Duration;

use hookwright::domain::attempt::{Attempt, AttemptStatus};
use hookwright_testkit::{Authority, Leaf, Receiver};

use crate::rig::Rig;

async fn attempt_at(url: String, authority: &Authority) -> Attempt {
    let rig = Rig::start_with(|config| {
        config.extra_ca_pem = Some(authority.pem().as_bytes().to_vec());
        config.tls_timeout = Duration::from_secs(1);
        config.request_timeout = Duration::from_secs(4);
        config.retry.schedule = Vec::new();
    })
    .await;
    rig.endpoint(url).await;
    let message = rig.send("{}").await;
    let attempt = rig.wait_ended(message.id).await.remove(0);
    rig.end().await;
    attempt
}

async fn check(receiver: &Receiver, authority: &Authority, reason: &str) {
    let attempt = attempt_at(receiver.url("/"), authority).await;
    assert_eq!(attempt.reason.as_deref(), Some(reason));
    assert_eq!((attempt.status, attempt.response_code), (AttemptStatus::Fail, 0));
    assert_eq!(receiver.count(), 0, "nothing was sent");
}

async fn check_leaf(leaf: Leaf, reason: &str) {
    let authority = Authority::new();
    check(&Receiver::start_tls(&authority, leaf).await, &authority, reason).await;
}

#[tokio::test]
async fn a_trusted_certificate_for_the_right_name_is_accepted() {
    let authority = Authority::new();
    let receiver = Receiver::start_tls(&authority, Leaf::Valid).await;
    for url in [receiver.url("/"), receiver.url_on("localhost", "/")] {
        let attempt = attempt_at(url, &authority).await;
        assert_eq!((attempt.status, attempt.reason), (AttemptStatus::Success, None));
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    check_leaf(Leaf::Expired, "TLS failed: the certificate has expired").await;
}

#[tokio::test]
async fn a_certificate_of_the_future_is_refused() {
    check_leaf(Leaf::NotYetValid, "TLS failed: the certificate is not valid yet").await;
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    check_leaf(Leaf::WrongName, "TLS failed: the certificate is for another host name").await;
}

#[tokio::test]
async fn a_certificate_that_signs_itself_is_refused() {
    let reason = "TLS failed: the certificate is not from an authority that is trusted here";
    check_leaf(Leaf::SelfSigned, reason).await;
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told_as_such() {
    let receiver = Receiver::start_not_tls().await;
    let reason = "TLS failed: the endpoint does not speak TLS on this port";
    check(&receiver, &Authority::new(), reason).await;
}

#[tokio::test]
async fn a_handshake_that_is_never_answered_ends_by_its_own_timeout() {
    let receiver = Receiver::start_silent_tls().await;
    check(&receiver, &Authority::new(), "the TLS handshake took longer than 1 s").await;
}
