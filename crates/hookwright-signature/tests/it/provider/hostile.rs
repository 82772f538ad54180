//! Headers, queries, bodies and templates that nobody well-meaning sends: refused, and nothing panics.

use hookwright_signature::provider::{Inbound, SourceConfig, SourceKind};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::sent::{BODY, NOW, Sent, UNSIGNED, URL, config, kind, proven, signs_time};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

/// Values that come close to real ones.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        bytes(),
        "[0-9]{1,25}".prop_map(String::into_bytes),
        "(sha256=|v0=|v1,|hmac-sha256-hex=|)[0-9a-f]{62,66}".prop_map(String::into_bytes),
        "(sha256=|v1,|)[A-Za-z0-9+/]{40,90}={0,2}".prop_map(String::into_bytes),
        "((t|v1|v0|nonce|signature)=[0-9a-f]{0,70}, ?){0,20}".prop_map(String::into_bytes),
        "(Basic|basic|Bearer) [A-Za-z0-9+/]{0,60}={0,2}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn no_header_of_any_bytes_is_accepted_or_panics(
        values in prop::collection::vec(value(), 4),
        query in prop_oneof![".{0,80}", "(signature|hub\\.mode|hub\\.verify_token)=[%0-9a-f+&=]{0,70}"],
        body in bytes(),
        now in prop_oneof![any::<i64>(), NOW - 10..NOW + 10],
        get in any::<bool>(),
    ) {
        for kind in proven() {
            let config = config(kind, 0);
            let names = Sent::signed(&config, BODY, NOW).headers;
            let headers: Vec<(String, Vec<u8>)> =
                names.into_iter().zip(&values).map(|((name, _), value)| (name, value.clone())).collect();
            let method = if get { "GET" } else { "POST" };
            let request =
                Inbound { method, path: "/in/a/b", query: &query, url: Some(URL), headers: &headers, body: &body };
            prop_assert!(config.verify(&request, now).is_err(), "{}", kind);
        }
    }

    #[test]
    fn a_genuine_request_with_another_value_in_a_proof_is_refused(value in value(), at in any::<usize>()) {
        for kind in proven() {
            let config = config(kind, 0);
            let mut sent = Sent::signed(&config, BODY, NOW);
            if sent.headers.is_empty() {
                continue;
            }
            let at = at % sent.headers.len();
            let (name, genuine) = &mut sent.headers[at];
            if UNSIGNED.contains(&name.as_str()) || *genuine == value {
                continue;
            }
            genuine.clone_from(&value);
            prop_assert!(sent.verify(&config).is_err(), "{}", kind);
        }
    }

    #[test]
    fn a_timestamp_counts_to_the_second(off in -1_000_i64..1_000) {
        for kind in proven().filter(|kind| signs_time(*kind)) {
            let config = config(kind, 0);
            let taken = Sent::signed(&config, BODY, NOW + off).verify(&config).is_ok();
            prop_assert_eq!(taken, off.abs() <= 300, "{} {}", kind, off);
        }
    }

    #[test]
    fn what_unsigned_headers_say_is_plain_text_or_refused(
        values in prop::collection::vec(prop_oneof![bytes(), "[ -~]{0,300}".prop_map(String::into_bytes)], 1..3),
    ) {
        for (name, headers) in [
            ("github", ["x-github-delivery", "x-github-event"]),
            ("shopify", ["x-shopify-webhook-id", "x-shopify-topic"]),
        ] {
            let config = config(kind(name), 0);
            for header in headers {
                let mut sent = Sent::signed(&config, BODY, NOW);
                sent.headers.retain(|(name, _)| name != header);
                sent.headers.extend(values.iter().map(|value| (header.to_owned(), value.clone())));
                let printable = values[0].iter().all(|byte| (b' '..=b'~').contains(byte));
                match sent.verify(&config) {
                    Ok(verified) => {
                        prop_assert!(values.len() == 1 && printable, "{} {}", name, header);
                        let found = if header.ends_with("id") || header.ends_with("delivery") {
                            verified.id
                        } else {
                            verified.event_type
                        };
                        let expected = String::from_utf8(values[0].clone()).unwrap();
                        prop_assert_eq!(found, Some(expected).filter(|text| (1..=256).contains(&text.len())));
                    }
                    Err(_) => prop_assert!(values.len() > 1 || !printable, "{} {}", name, header),
                }
            }
        }
    }

    #[test]
    fn what_is_signed_verifies_whatever_the_body(body in bytes(), now in 0..i64::MAX / 2000) {
        for kind in proven() {
            let config = config(kind, 0);
            // Its number stands next to the body, which therefore may not end in a digit.
            if kind.as_str() == "checkbook" && body.last().is_some_and(u8::is_ascii_digit) {
                continue;
            }
            let sent = Sent::signed(&config, &body, now);
            prop_assert!(config.verify(&sent.inbound(), now).is_ok(), "{}", kind);
        }
    }

    #[test]
    fn facts_of_any_json_do_not_panic(
        body in prop_oneof![
            bytes(),
            "[\\[\\]{}\",:a-e0-9.\\-]{0,80}".prop_map(String::into_bytes),
            "(\\{\"(id|type|event|data|payload)\":){0,200}(1|\"a\"|null|1e400|-7|true)\\}{0,200}".prop_map(String::into_bytes),
        ],
    ) {
        for name in ["stripe", "telnyx", "slack", "zoom", "resend"] {
            let config = config(kind(name), 0);
            prop_assert!(Sent::signed(&config, &body, NOW).verify(&config).is_ok());
        }
    }

    #[test]
    fn no_configuration_panics(
        name in 0_usize..47,
        fields in prop::collection::vec(("(secret|header|token|signed|encoding|publicKey|x)", ".{0,60}"), 0..5),
        signed in "(\\{(body|header:[a-z\\-]{0,5}|time|)\\}?|[.:]){0,6}",
    ) {
        let _ = SourceConfig::parse(SourceKind::all().nth(name).unwrap(), fields);
        let fields = [("header", "x-a"), ("secret", "s"), ("signed", &signed)];
        if let Ok(config) = SourceConfig::parse(kind("hmac"), fields) {
            let sent = Sent::signed(&config, BODY, NOW);
            prop_assert!(sent.verify(&config).is_ok());
            prop_assert!(sent.with_body(b"other").verify(&config).is_err());
        }
    }
}
