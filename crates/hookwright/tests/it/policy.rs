//! Where deliveries may go: checked when an endpoint is set, and again at each connect.

use hookwright::domain::attempt::AttemptStatus;
use hookwright::{AddressKind, Error, UrlError};
use hookwright_testkit::Receiver;

use crate::rig::{Rig, to_url};

#[tokio::test]
async fn an_endpoint_cannot_be_set_to_an_address_that_may_not_be_called() {
    let rig = Rig::start_with(|config| config.allow_target_networks = Vec::new()).await;
    for (url, kind) in [
        ("http://127.0.0.1:9000/", AddressKind::Loopback),
        ("http://localhost/", AddressKind::Loopback),
        ("http://169.254.169.254/latest/meta-data", AddressKind::LinkLocal),
    ] {
        let refused = rig.hooks.endpoint_create(rig.application, to_url(url.to_owned())).await.unwrap_err();
        assert!(matches!(&refused, Error::Url(UrlError::Address(found)) if *found == kind), "{refused}");
    }
    let fine = rig.endpoint("https://example.com/".to_owned()).await;
    let name = hookwright::hooks::EndpointRef::Id(fine.id);
    let change = |edit: &mut hookwright::hooks::EndpointEdit| edit.settings.url = "http://10.0.0.1/".into();
    let refused = rig.hooks.endpoint_update(rig.application, &name, change).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the URL points at a private network, which is refused so that tenants cannot reach your network"
    );
    rig.end().await;
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_refused_at_the_connect() {
    let receiver = Receiver::start().await;
    let rig = Rig::start().await;
    rig.endpoint(receiver.url_on("localhost", "/name")).await;
    rig.endpoint(receiver.url("/address")).await;
    let message = rig.send("{}").await;
    assert!(rig.wait_ended(message.id).await.iter().all(|attempt| attempt.status == AttemptStatus::Success));
    // The rules are stricter now than when the endpoints were set.
    let rig = rig
        .restart_with(|config| {
            config.allow_target_networks = Vec::new();
            config.retry.schedule = Vec::new();
        })
        .await;
    let message = rig.send("{}").await;
    let attempts = rig.wait_ended(message.id).await;
    assert_eq!(attempts.len(), 2);
    for attempt in attempts {
        let reason = "the URL leads to this machine, which may not be called";
        assert_eq!((attempt.response_code, attempt.reason.as_deref()), (0, Some(reason)));
    }
    assert_eq!(receiver.count(), 2, "nothing came of the second message");
    rig.end().await;
}
