//! Replaced secrets sign beside the new one for their grace period, and not after it.

use std::time::Duration;

use hookwright::domain::endpoint::Endpoint;
use hookwright::hooks::EndpointRef;
use hookwright_signature::{Secret, Verifier};
use hookwright_testkit::{Received, Receiver};

use crate::rig::{Rig, START};

fn verifies(secret: &Secret, got: &Received, now: u64) -> bool {
    Verifier::new(secret).verify_at(|name| got.header(name), &got.body, now).is_ok()
}

async fn rotate(rig: &Rig, endpoint: &Endpoint, secret: Option<Secret>, grace: Duration) -> Endpoint {
    let name = EndpointRef::Id(endpoint.id);
    rig.hooks.endpoint_rotate_secret(rig.application, &name, secret, grace).await.unwrap()
}

#[tokio::test]
async fn a_replaced_secret_signs_for_its_grace_period_and_not_after_it() {
    let (rig, receiver) = (Rig::start_manual(|_| ()).await, Receiver::start().await);
    let old = rig.endpoint(receiver.url("/")).await;
    let new = rotate(&rig, &old, None, Duration::from_secs(3_600)).await;
    rig.send("1").await;
    receiver.wait_for(1).await;
    rig.hooks.clock().advance(Duration::from_secs(3_599));
    rig.send("2").await;
    receiver.wait_for(2).await;
    rig.hooks.clock().advance(Duration::from_secs(1));
    rig.send("3").await;
    let got = receiver.wait_for(3).await;
    let by_body = |body: &str| got.iter().find(|got| got.body == body.as_bytes().to_vec()).unwrap();
    let start = START.as_seconds().unsigned_abs();
    for (body, at, old_signs) in [("1", start, true), ("2", start + 3_599, true), ("3", start + 3_600, false)]
    {
        assert!(verifies(&new.secret, by_body(body), at), "the new secret signs message {body}");
        assert_eq!(verifies(&old.secret, by_body(body), at), old_signs, "the old one, message {body}");
    }
    rig.end().await;
}

#[tokio::test]
async fn a_secret_without_grace_is_good_for_nothing_at_once() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let old = rig.endpoint(receiver.url("/")).await;
    let chosen = Secret::generate_asymmetric().unwrap();
    rotate(&rig, &old, Some(chosen.clone()), Duration::ZERO).await;
    rig.send("{}").await;
    let got = receiver.wait_for(1).await.remove(0);
    let header = |name: &'static str| got.header(name);
    let key = chosen.public_key().unwrap();
    Verifier::new(key).verify(header, &got.body).unwrap();
    assert!(Verifier::new(&old.secret).verify(header, &got.body).is_err());
    rig.end().await;
}
