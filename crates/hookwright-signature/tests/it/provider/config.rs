//! What a source can be configured with, and what the kinds are.

use std::collections::BTreeSet;

use hookwright_signature::provider::{Evidence, Inbound, Refused, SignError, SourceConfig, SourceKind};

use super::sent::{BODY, NOW, Sent, config, fields, kind, proven};

/// The types of sources in the clients of Svix.
const OF_THE_CLIENTS: [&str; 43] = [
    "adobe-sign",
    "airwallex",
    "beehiiv",
    "brex",
    "checkbook",
    "clerk",
    "cron",
    "docusign",
    "easypost",
    "generic-webhook",
    "github",
    "guesty",
    "hubspot",
    "incident-io",
    "lithic",
    "meta",
    "nango",
    "nash",
    "open-ai",
    "openclaw",
    "orum-io",
    "panda-doc",
    "pleo",
    "port-io",
    "psi-fi",
    "render",
    "replicate",
    "resend",
    "rutter",
    "safebase",
    "sardine",
    "segment",
    "shopify",
    "slack",
    "stripe",
    "stych",
    "svix",
    "tailscale",
    "telnyx",
    "vapi",
    "veriff",
    "vgs",
    "zoom",
];

#[test]
fn the_kinds_are_those_of_the_clients_and_ours() {
    let all: Vec<&str> = SourceKind::all().map(SourceKind::as_str).collect();
    let set: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(set.len(), all.len(), "a name is there twice");
    let ours: BTreeSet<&str> =
        SourceKind::all().filter(|kind| kind.is_ours()).map(SourceKind::as_str).collect();
    assert_eq!(ours, ["basic-auth", "hmac", "standard-webhooks", "token"].into());
    assert_eq!(&set - &ours, OF_THE_CLIENTS.into());
    for kind in SourceKind::all() {
        assert_eq!(SourceKind::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(SourceKind::parse("GitHub"), None);
    let unproven: Vec<&str> =
        SourceKind::all().filter(|kind| kind.evidence() == Evidence::None).map(SourceKind::as_str).collect();
    assert_eq!(unproven, ["openclaw", "orum-io", "vapi", "vgs"]);
}

#[test]
fn a_kind_without_an_established_scheme_is_refused() {
    for kind in SourceKind::all().filter(|kind| kind.evidence() == Evidence::None) {
        let error = SourceConfig::parse(kind, [("secret", "s3cret")]).unwrap_err();
        assert_eq!(error.field, "type");
        assert!(error.why.contains("not verifiable yet"), "{error}");
    }
}

#[test]
fn errors_name_the_field() {
    for (kind_name, fields, field) in [
        ("github", &[][..], "secret"),
        ("github", &[("secret", "a"), ("more", "b")], "more"),
        ("github", &[("secret", "a"), ("secret", "b")], "secret"),
        ("github", &[("secret", "a\n")], "secret"),
        ("meta", &[("secret", "a")], "verifyToken"),
        ("svix", &[("secret", "not a secret")], "secret"),
        ("svix", &[("secret", "whsec_AAAA")], "secret"),
        ("easypost", &[("secret", "gehéim")], "secret"),
        ("telnyx", &[("publicKey", "AAAA")], "publicKey"),
        ("telnyx", &[("publicKey", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")], "publicKey"),
        ("telnyx", &[("privateKey", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")], "publicKey"),
        ("tailscale", &[("secret", "a"), ("timestampGraceSeconds", "-1")], "timestampGraceSeconds"),
        ("token", &[("header", "x-token")], "token"),
        ("token", &[("header", "x token"), ("token", "a")], "header"),
        ("basic-auth", &[("username", "a:b"), ("password", "c")], "username"),
        ("basic-auth", &[("username", "a")], "password"),
        ("hmac", &[("secret", "a")], "header"),
        ("hmac", &[("header", "x-a"), ("secret", "a"), ("algorithm", "md5")], "algorithm"),
        ("hmac", &[("header", "x-a"), ("secret", "a"), ("encoding", "hexa")], "encoding"),
        ("hmac", &[("header", "x-a"), ("secret", "a"), ("signed", "{header:x-stamp}")], "signed"),
        ("hmac", &[("header", "x-a"), ("secret", "a"), ("signed", "{header:X-A}{body}")], "signed"),
        ("cron", &[("payload", "{}")], "schedule"),
        ("generic-webhook", &[("secret", "a")], "secret"),
    ] {
        let error = SourceConfig::parse(kind(kind_name), fields.iter().copied()).unwrap_err();
        assert_eq!(error.field, field, "{kind_name}: {error}");
    }
}

#[test]
fn no_secret_is_shown() {
    for kind in proven() {
        let shown = format!("{:?}", config(kind, 0));
        assert_eq!(shown, format!("SourceConfig({kind}, redacted)"));
        for (name, value) in fields(kind, 0) {
            if !["secret", "token", "password", "privateKey", "clientId", "verifyToken"].contains(&name) {
                continue;
            }
            // What cannot be read is not quoted either.
            let broken = [("secret", format!("{value}\n")), ("header", format!("{value}\n"))];
            let error = SourceConfig::parse(kind, broken).unwrap_err().to_string();
            assert!(!error.contains(&value), "{error}");
        }
    }
}

#[test]
fn what_nobody_signs_is_taken_or_refused_as_such() {
    let open = SourceConfig::parse(kind("generic-webhook"), [("", ""); 0]).unwrap();
    assert!(open.verify(&Inbound::POST, NOW).is_ok());
    let cron = SourceConfig::parse(kind("cron"), [("schedule", "* * * * *"), ("payload", "{}")]).unwrap();
    assert_eq!(cron.verify(&Inbound::POST, NOW), Err(Refused::ReceivesNothing));
    assert_eq!(cron.sign(&Inbound::POST, NOW, "a"), Err(SignError::Unsigned));
    let public = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
    let telnyx = SourceConfig::parse(kind("telnyx"), [("publicKey", public)]).unwrap();
    assert_eq!(telnyx.sign(&Inbound::POST, NOW, "a"), Err(SignError::PublicKey));
}

#[test]
fn a_wrong_token_is_403_and_named_as_it_is_configured() {
    let fields = [("header", "Acme-Webhook-Token"), ("token", "abc123")];
    let config = SourceConfig::parse(kind("token"), fields).unwrap();
    let with = |value: &str| {
        let headers = [("acme-webhook-token", value)];
        config.verify(&Inbound { headers: &headers, ..Inbound::POST }, NOW)
    };
    assert!(with("abc123").is_ok());
    for refused in
        [with("abc12"), with("abc1234"), with("ABC123"), with(""), config.verify(&Inbound::POST, NOW)]
    {
        let refused = refused.unwrap_err();
        assert_eq!(refused.to_string(), "Incorrect token in Acme-Webhook-Token header.");
        assert_eq!((refused.status(), refused.code()), (403, "wrong_token"));
    }
}

#[test]
fn what_to_tell_duplicates_by_is_the_id_or_a_signature_that_changes() {
    for kind in proven() {
        let config = config(kind, 0);
        let at = |now| Sent::signed(&config, BODY, now).verify(&config).unwrap();
        let (first, same, later) = (at(NOW), at(NOW), at(NOW + 1));
        assert_eq!(first, same, "{kind}");
        let changes =
            ["{time}", "{nonce}"].iter().any(|hole| kind.summary().contains(hole)) || kind.as_str() == "hmac";
        assert_eq!(first.freshness.is_some(), changes, "{kind}");
        assert_eq!(first.freshness != later.freshness, changes, "{kind}");
    }
    // The same signature, written in another case, is the same call.
    let config = config(kind("slack"), 0);
    let mut sent = Sent::signed(&config, BODY, NOW);
    let first = sent.verify(&config).unwrap();
    sent.headers[0].1 = [b"v0=", sent.headers[0].1[3..].to_ascii_uppercase().as_slice()].concat();
    assert_eq!(sent.verify(&config), Ok(first));
}

#[test]
fn id_and_type_are_read_where_the_provider_writes_them() {
    for (name, headers, body, id, event) in [
        ("stripe", &[][..], r#"{"id":"evt_1","type":"charge.paid"}"#, Some("evt_1"), Some("charge.paid")),
        ("github", &[("X-GitHub-Event", "push")], "{}", Some("msg_1"), Some("push")),
        ("shopify", &[("X-Shopify-Topic", "orders/create")], "{}", Some("msg_1"), Some("orders/create")),
        (
            "slack",
            &[],
            r#"{"event_id":"Ev1","type":"event_callback","event":{"type":"message"}}"#,
            Some("Ev1"),
            Some("message"),
        ),
        ("slack", &[], "command=%2Fweather", None, None),
        (
            "telnyx",
            &[],
            r#"{"data":{"id":"a","event_type":"call.initiated"}}"#,
            Some("a"),
            Some("call.initiated"),
        ),
        ("resend", &[], r#"{"type":"email.sent"}"#, Some("msg_1"), Some("email.sent")),
        ("zoom", &[], r#"{"event":"meeting.started","payload":{}}"#, None, Some("meeting.started")),
        ("airwallex", &[], r#"{"id":7,"name":"a.b"}"#, Some("7"), Some("a.b")),
        ("stripe", &[], r#"{"id":{"id":"x"},"type":["y"]}"#, None, None),
        ("stripe", &[], r#"{"id":"evt_1"} trailing"#, None, None),
        ("stripe", &[], r#"{"id":""}"#, None, None),
    ] {
        let config = config(kind(name), 0);
        let mut sent = Sent::signed(&config, body.as_bytes(), NOW);
        sent.headers
            .extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
        let verified = sent.verify(&config).unwrap();
        assert_eq!((verified.id.as_deref(), verified.event_type.as_deref()), (id, event), "{name}: {body}");
    }
}

#[test]
fn an_id_that_is_too_long_is_none() {
    let config = config(kind("stripe"), 0);
    let id = |length| {
        let body = format!(r#"{{"id":"{}"}}"#, "a".repeat(length));
        Sent::signed(&config, body.as_bytes(), NOW).verify(&config).unwrap().id
    };
    assert!(id(256).is_some() && id(257).is_none());
}

#[test]
fn a_grace_period_of_tailscale_counts() {
    let fields = [("secret", "a"), ("timestampGraceSeconds", "10")];
    let config = SourceConfig::parse(kind("tailscale"), fields).unwrap();
    assert!(Sent::signed(&config, BODY, NOW - 10).verify(&config).is_ok());
    assert!(Sent::signed(&config, BODY, NOW - 11).verify(&config).is_err());
}

#[cfg(feature = "http")]
#[test]
fn a_header_map_is_read_as_it_is() {
    let config = config(kind("stripe"), 0);
    let sent = Sent::signed(&config, BODY, NOW);
    let mut headers = http::HeaderMap::new();
    headers.insert("Stripe-Signature", sent.headers[0].1.as_slice().try_into().unwrap());
    let verify = |headers: &http::HeaderMap| config.verify(&Inbound { headers, ..sent.inbound() }, NOW);
    assert!(verify(&headers).is_ok());
    headers.append("stripe-signature", "t=1,v1=00".parse().unwrap());
    assert!(matches!(verify(&headers), Err(Refused::Twice { .. })));
}
