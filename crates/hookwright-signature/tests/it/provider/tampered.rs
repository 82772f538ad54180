//! The table of tampered requests: each is refused, whatever the kind.

use hookwright_signature::provider::{Refused, SourceConfig, SourceKind, TOLERANCE_SECONDS};

use super::sent::{BODY, NOW, Sent, UNSIGNED, config, fields, kind, proven, signs_time};

/// Of the others the proof is a token or a password, and says nothing of the body.
fn signs_body(kind: SourceKind) -> bool {
    !matches!(kind.as_str(), "token" | "basic-auth" | "adobe-sign")
}

fn refuses(config: &SourceConfig, sent: &Sent, what: &str) -> Refused {
    match sent.verify(config) {
        Err(refused) => refused,
        Ok(_) => panic!("{} takes a request with {what}", config.kind()),
    }
}

#[test]
fn genuine_requests_are_taken_and_changed_bodies_refused() {
    for kind in proven() {
        let config = config(kind, 0);
        let sent = Sent::signed(&config, BODY, NOW);
        sent.verify(&config).unwrap_or_else(|error| panic!("{kind}: {error}"));
        if !signs_body(kind) {
            continue;
        }
        for at in 0..BODY.len() {
            let mut flipped = BODY.to_vec();
            flipped[at] ^= 1 << (at % 8);
            refuses(&config, &sent.with_body(&flipped), "a flipped bit");
        }
        for length in 0..BODY.len() {
            refuses(&config, &sent.with_body(&BODY[..length]), "a truncated body");
        }
        refuses(&config, &sent.with_body(&[BODY, b" "].concat()), "a longer body");
        let again: serde_json::Value = serde_json::from_slice(BODY).unwrap();
        refuses(&config, &sent.with_body(again.to_string().as_bytes()), "JSON written again");
    }
}

#[test]
fn other_secrets_are_refused_and_empty_ones_never_configured() {
    for kind in proven() {
        let refused = refuses(&config(kind, 1), &Sent::signed(&config(kind, 0), BODY, NOW), "another secret");
        assert_eq!(refused.status(), if kind.as_str() == "token" { 403 } else { 401 }, "{kind}");
        for (name, _) in fields(kind, 0) {
            if !["secret", "token", "password", "privateKey", "clientId", "verifyToken"].contains(&name) {
                continue;
            }
            for empty in ["", " ", "\t"] {
                let with = fields(kind, 0).into_iter().map(|(field, value)| {
                    if field == name { (field, empty.to_owned()) } else { (field, value) }
                });
                let error = SourceConfig::parse_signing(kind, with).unwrap_err();
                assert_eq!(error.field, name, "{kind}");
            }
        }
    }
}

#[test]
fn timestamps_are_refused_five_minutes_off_either_way() {
    let tolerance = i64::try_from(TOLERANCE_SECONDS).unwrap();
    let mut signed_times = 0;
    for kind in proven() {
        let config = config(kind, 0);
        for off in [-tolerance, tolerance] {
            Sent::signed(&config, BODY, NOW + off).verify(&config).unwrap();
        }
        let at = |seconds| Sent::signed(&config, BODY, seconds).verify(&config);
        let (old, new) = (at(NOW - tolerance - 1), at(NOW + tolerance + 1));
        signed_times += usize::from(signs_time(kind));
        if signs_time(kind) {
            assert!(matches!(old, Err(Refused::TooOld { seconds: 301, tolerance: 300 })), "{kind}: {old:?}");
            assert!(matches!(new, Err(Refused::TooNew { seconds: 301, tolerance: 300 })), "{kind}: {new:?}");
        } else {
            assert!(old.is_ok() && new.is_ok(), "{kind}");
        }
    }
    assert_eq!(signed_times, 26);
    // Whoever cannot sign learns nothing of the time.
    for kind in proven().filter(|kind| signs_time(*kind)) {
        let old = Sent::signed(&config(kind, 1), BODY, NOW - tolerance - 1);
        let refused = refuses(&config(kind, 0), &old, "another secret");
        assert!(!matches!(refused, Refused::TooOld { .. }), "{kind}: {refused}");
    }
}

#[test]
fn a_header_that_is_missing_twice_long_or_not_ascii_is_refused() {
    for kind in proven() {
        let config = config(kind, 0);
        let sent = Sent::signed(&config, BODY, NOW);
        for at in 0..sent.headers.len() {
            let unsigned = UNSIGNED.contains(&&*sent.headers[at].0);
            let with = |value: &[u8]| {
                let mut changed = sent.clone();
                changed.headers[at].1 = value.to_vec();
                changed
            };
            let value = sent.headers[at].1.clone();

            let mut twice = sent.clone();
            twice.headers.push(sent.headers[at].clone());
            let refused = refuses(&config, &twice, "a header twice");
            assert!(
                matches!(refused, Refused::Twice { .. } | Refused::WrongToken { .. }),
                "{kind}: {refused}"
            );
            twice.headers.last_mut().unwrap().0.make_ascii_uppercase();
            refuses(&config, &twice, "a header twice, in another case");

            refuses(&config, &with(&b"a".repeat(64 << 10)), "64 KiB of header");
            refuses(&config, &with(&[&value[..], &b",".repeat(64 << 10)].concat()), "64 KiB after the proof");
            refuses(&config, &with(&[&value[..], "é".as_bytes()].concat()), "letters beyond ASCII");
            refuses(&config, &with(&[0xff, 0xfe]), "bytes that are no text");
            if unsigned {
                continue;
            }
            let mut missing = sent.clone();
            missing.headers.remove(at);
            refuses(&config, &missing, "a header missing");
            refuses(&config, &with(b""), "an empty header");
            refuses(&config, &with(&value[1..]), "a header cut short");
            for (at, bit) in (0..value.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut flipped = value.clone();
                flipped[at] ^= 1 << bit;
                // A digit in hex, and the scheme of a password, mean the same in another case.
                let is_caseless = kind.summary().contains("hex") || kind.as_str() == "basic-auth" && at < 6;
                if !(is_caseless && flipped.eq_ignore_ascii_case(&value)) {
                    refuses(&config, &with(&flipped), &format!("bit {bit} of byte {at} of a header flipped"));
                }
            }
            for length in 0..value.len() {
                refuses(&config, &with(&value[..length]), "a truncated header");
            }
        }
    }
}

#[test]
fn a_signature_in_the_query_is_read_once() {
    let config = config(kind("panda-doc"), 0);
    let sent = Sent::signed(&config, BODY, NOW);
    for query in [
        String::new(),
        "signature=".to_owned(),
        "Signature=00".to_owned(),
        format!("{}&{}", sent.query, sent.query),
        format!("{}&signature=00", sent.query),
        format!("signature={}", "0".repeat(64 << 10)),
        format!("{}%00", sent.query),
    ] {
        refuses(&config, &Sent { query: query.clone(), ..sent.clone() }, &query);
    }
    let more = Sent { query: format!("a=1&{}&b", sent.query), ..sent };
    more.verify(&config).unwrap();
}

#[test]
fn of_several_signatures_one_is_enough_and_the_timestamp_is_read_once() {
    let config = config(kind("stripe"), 0);
    let sent = Sent::signed(&config, BODY, NOW);
    let text = String::from_utf8(sent.headers[0].1.clone()).unwrap();
    let with =
        |value: String| Sent { headers: vec![("stripe-signature".to_owned(), value.into())], ..sent.clone() };
    let (time, signature) = text.split_once(',').unwrap();
    for good in [
        format!("{time},v1=00,{signature},v0=11"),
        format!("{time}, {signature}"),
        format!("{signature},{time}"),
        format!("{time},v1={},{signature}", "0".repeat(64)),
    ] {
        with(good.clone()).verify(&config).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in [
        time.to_owned(),
        signature.to_owned(),
        format!("{time},{time},{signature}"),
        format!("t=,{signature}"),
        format!("t=-1,{signature}"),
        format!("{time}0,{signature}"),
        format!("t={},{signature}", "9".repeat(30)),
        format!("{time},v0={}", &signature[3..]),
        format!("{time}{},{signature}", ",v1=00".repeat(16)),
    ] {
        refuses(&config, &with(bad.clone()), &bad);
    }
}

#[test]
fn a_url_that_is_signed_must_be_known_and_the_one() {
    let config = config(kind("hubspot"), 0);
    let sent = Sent::signed(&config, BODY, NOW);
    let with = |url| config.verify(&hookwright_signature::provider::Inbound { url, ..sent.inbound() }, NOW);
    assert_eq!(with(None), Err(Refused::UnknownUrl));
    assert_eq!(with(Some("https://hooks.example.com/in/other/token")), Err(Refused::Mismatch));
    let put = hookwright_signature::provider::Inbound { method: "PUT", ..sent.inbound() };
    assert_eq!(config.verify(&put, NOW), Err(Refused::Mismatch));
}

#[test]
fn the_border_between_body_and_nonce_cannot_be_moved() {
    let config = config(kind("checkbook"), 0);
    let sent = Sent::signed(&config, BODY, NOW);
    let text = String::from_utf8(sent.headers[0].1.clone()).unwrap();
    let nonce = NOW.to_string();
    let with = |nonce: &str, body: &str| {
        let value = text.replace(&NOW.to_string(), nonce);
        Sent { headers: vec![("signature".to_owned(), value.into())], ..sent.with_body(body.as_bytes()) }
    };
    let body = std::str::from_utf8(BODY).unwrap();
    with(&nonce, body).verify(&config).unwrap();
    for at in [1, 5, nonce.len()] {
        let moved = with(&nonce[at..], &format!("{body}{}", &nonce[..at]));
        refuses(&config, &moved, "digits moved into the body");
    }
    let (rest, last) = body.split_at(body.len() - 1);
    refuses(&config, &with(&format!("{last}{nonce}"), rest), "the body's end moved into the nonce");
}
