//! Handshakes: how providers ask whether somebody is there, and what they are told.

use hookwright_signature::provider::{Inbound, Refused, SourceConfig};

use super::sent::{NOW, Sent, config, kind};

fn meta() -> SourceConfig {
    SourceConfig::parse(kind("meta"), [("secret", "a"), ("verifyToken", "m& 1")]).unwrap()
}

#[test]
fn meta_reads_its_challenge_back_if_the_token_is_right() {
    let ask = |query| meta().verify(&Inbound { method: "GET", query, ..Inbound::POST }, NOW);
    let answer =
        ask("hub.mode=subscribe&hub.challenge=11588%2F2&hub.verify_token=m%26+1").unwrap().handshake.unwrap();
    assert_eq!(
        (answer.status, answer.content_type, answer.body.as_slice()),
        (200, "text/plain", &b"11588/2"[..])
    );
    for query in [
        "",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=m",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=m%26+1&hub.verify_token=m%26+1",
    ] {
        let refused = ask(query).unwrap_err();
        assert_eq!((refused.status(), &refused), (403, &Refused::WrongVerifyToken), "{query}");
    }
    assert!(ask("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=m%26+1").is_err());
    assert!(ask("hub.mode=subscribe&hub.verify_token=m%26+1").is_err());
    // A POST with the handshake's query needs a signature like any other.
    let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=m%26+1";
    assert!(matches!(meta().verify(&Inbound { query, ..Inbound::POST }, NOW), Err(Refused::Missing { .. })));
}

#[test]
fn slack_reads_its_challenge_back_if_it_signed() {
    let config = config(kind("slack"), 0);
    let body = br#"{"token":"x","challenge":"3eZbrw1aB","type":"url_verification"}"#;
    let sent = Sent::signed(&config, body, NOW);
    let answer = sent.verify(&config).unwrap().handshake.unwrap();
    assert_eq!(
        (answer.status, answer.content_type, answer.body.as_slice()),
        (200, "text/plain", &b"3eZbrw1aB"[..])
    );
    assert!(Sent { headers: Vec::new(), ..sent }.verify(&config).is_err());
    let event = Sent::signed(&config, br#"{"challenge":"a","type":"event_callback"}"#, NOW);
    assert_eq!(event.verify(&config).unwrap().handshake, None);
}

#[test]
fn zoom_is_answered_with_its_token_signed_only_if_it_signed() {
    let config = config(kind("zoom"), 0);
    let body = br#"{"event":"endpoint.url_validation","payload":{"plainToken":"q\"1"}}"#;
    let sent = Sent::signed(&config, body, NOW);
    let answer = sent.verify(&config).unwrap().handshake.unwrap();
    assert_eq!((answer.status, answer.content_type), (200, "application/json"));
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["plainToken"], "q\"1");
    assert_eq!(answer["encryptedToken"].as_str().unwrap().len(), 64);
    assert!(Sent { headers: Vec::new(), ..sent }.verify(&config).is_err());
}

#[test]
fn adobe_sign_reads_its_client_id_back() {
    let config = SourceConfig::parse(kind("adobe-sign"), [("clientId", "CBJ\"1")]).unwrap();
    let headers = [("X-AdobeSign-ClientId", "CBJ\"1")];
    let event = config.verify(&Inbound { headers: &headers, ..Inbound::POST }, NOW).unwrap();
    assert!(event.handshake.is_none());
    let question =
        config.verify(&Inbound { method: "GET", headers: &headers, ..Inbound::POST }, NOW).unwrap();
    assert!(question.reply.is_none());
    for answer in [event.reply, question.handshake] {
        assert_eq!(answer.unwrap().body, br#"{"xAdobeSignClientId":"CBJ\"1"}"#);
    }
    let other = [("X-AdobeSign-ClientId", "CBJ2")];
    assert_eq!(config.verify(&Inbound { headers: &other, ..Inbound::POST }, NOW), Err(Refused::Mismatch));
}
