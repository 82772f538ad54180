//! What a verifier accepts and refuses: tampering, rotation, time and header names.

use std::collections::HashMap;
use std::time::Duration;

use hookwright_signature::{MAX_SIGNATURES, MessageIdError, Secret, Signer, Verifier, VerifyError, sign};

use crate::requests::{NOW, Request, both_kinds};

#[test]
fn bodies_of_any_bytes_verify() {
    for secret in both_kinds() {
        let verifier = Verifier::new(&secret);
        let all_bytes: Vec<u8> = (0..=255).collect();
        for body in
            [b"".as_slice(), "naïve ☃ 😀".as_bytes(), b".1.", b"\0\xff\xfe", &all_bytes, &[b'x'; 1 << 20]]
        {
            let verified = Request::signed(&secret, "msg_1", body).verify(&verifier).unwrap();
            assert_eq!((verified.id.as_str(), verified.timestamp), ("msg_1", NOW));
        }
    }
}

#[test]
fn one_changed_byte_anywhere_is_noticed() {
    for secret in both_kinds() {
        let verifier = Verifier::new(&secret).with_tolerance(Duration::MAX);
        let request = Request::signed(&secret, "msg_1", br#"{"amount": 100, "currency": "EUR"}"#);
        assert!(request.verify(&verifier).is_ok());
        let fields: [fn(&mut Request) -> &mut Vec<u8>; 4] =
            [|r| &mut r.id, |r| &mut r.timestamp, |r| &mut r.signature, |r| &mut r.body];
        for field in fields {
            for position in 0..field(&mut request.clone()).len() {
                for flip in [0x01, 0x02, 0x20, 0x80] {
                    let mut changed = request.clone();
                    field(&mut changed)[position] ^= flip;
                    assert!(changed.verify(&verifier).is_err(), "byte {position} ^ {flip:#x}");
                }
                let mut shorter = request.clone();
                field(&mut shorter).remove(position);
                assert!(shorter.verify(&verifier).is_err(), "without byte {position}");
            }
            let mut longer = request.clone();
            field(&mut longer).push(b'0');
            assert!(longer.verify(&verifier).is_err());
        }
    }
}

#[test]
fn the_border_between_id_timestamp_and_body_cannot_move() {
    let secret = Secret::generate().unwrap();
    let verifier = Verifier::new(&secret);
    // The sender signs `a.1.1700000000.evil`, meaning id `a`; read as id `a.1` it would be fresh.
    let mut request = Request::signed_at(&secret, "a", 1, format!("{NOW}.evil").as_bytes());
    assert!(matches!(request.verify(&verifier), Err(VerifyError::TimestampTooOld { .. })));
    request.id = b"a.1".to_vec();
    request.timestamp = NOW.to_string().into();
    request.body = b"evil".to_vec();
    assert_eq!(request.verify(&verifier), Err(VerifyError::BadId(MessageIdError::FullStop)));
    assert_eq!(sign(&secret, "a.1", NOW, b""), Err(MessageIdError::FullStop));
}

#[test]
fn an_id_is_up_to_256_visible_ascii_characters() {
    let secret = Secret::generate().unwrap();
    let check = |id: &str, expected| assert_eq!(sign(&secret, id, NOW, b"").err(), expected, "{id:?}");
    check("!~,\"msg_1", None);
    check(&"x".repeat(256), None);
    check("", Some(MessageIdError::Empty));
    check(&"x".repeat(257), Some(MessageIdError::TooLong { bytes: 257 }));
    check("a b", Some(MessageIdError::NotVisibleAscii { position: 1 }));
    check("ab\n", Some(MessageIdError::NotVisibleAscii { position: 2 }));
    check("é", Some(MessageIdError::NotVisibleAscii { position: 0 }));

    let mut header = String::from("unchanged");
    assert!(Signer::new(&secret).sign_into(&mut header, "", NOW, b"").is_err());
    assert_eq!(header, "unchanged");
}

#[test]
fn while_a_secret_rotates_old_and_new_receivers_are_served() {
    let [old, new] = [Secret::generate().unwrap(), Secret::generate_asymmetric().unwrap()];
    let signer = Signer::new(&new).with_secret(&old);
    let mut header = String::new();
    signer.sign_into(&mut header, "msg_1", NOW, b"{}").unwrap();
    assert_eq!(header, signer.sign("msg_1", NOW, b"{}").unwrap());
    let entries: Vec<_> = header.split(' ').collect();
    assert_eq!(entries, [sign(&new, "msg_1", NOW, b"{}").unwrap(), sign(&old, "msg_1", NOW, b"{}").unwrap()]);

    let mut request = Request::signed(&old, "msg_1", b"{}");
    request.signature = header.into();
    let public = new.public_key().unwrap();
    for verifier in [Verifier::new(&old), Verifier::new(public), Verifier::new(&old).with_key(public)] {
        assert!(request.verify(&verifier).is_ok(), "{verifier:?}");
    }
    let stranger = Verifier::new(Secret::generate().unwrap());
    assert_eq!(request.verify(&stranger), Err(VerifyError::NoMatch));
    // The receiver rotates: a sender that still signs with the old secret alone is accepted.
    let verifier = Verifier::new(&new).with_key(&old);
    assert!(Request::signed(&old, "msg_1", b"{}").verify(&verifier).is_ok());
}

#[test]
fn time_is_tolerated_to_the_second_in_both_directions() {
    let secret = Secret::generate().unwrap();
    let check = |timestamp: u64, tolerance: u64| {
        let verifier = Verifier::new(&secret).with_tolerance(Duration::from_secs(tolerance));
        Request::signed_at(&secret, "msg_1", timestamp, b"").verify(&verifier).err()
    };
    let tolerance = Duration::from_secs(300);
    assert_eq!(check(NOW - 300, 300), None);
    assert_eq!(check(NOW + 300, 300), None);
    assert_eq!(check(NOW - 301, 300), Some(VerifyError::TimestampTooOld { age_seconds: 301, tolerance }));
    assert_eq!(check(NOW + 301, 300), Some(VerifyError::TimestampTooNew { ahead_seconds: 301, tolerance }));
    assert_eq!(check(NOW, 0), None);
    assert!(check(NOW - 1, 0).is_some() && check(NOW + 1, 0).is_some());
    assert!(check(0, 300).is_some() && check(u64::MAX, 300).is_some());
    assert_eq!(check(0, u64::MAX), None);
    assert_eq!(check(u64::MAX, u64::MAX), None);

    let default = Verifier::new(&secret);
    assert!(Request::signed_at(&secret, "msg_1", NOW - 300, b"").verify(&default).is_ok());
    let error = Request::signed_at(&secret, "msg_1", NOW - 400, b"").verify(&default).unwrap_err();
    assert_eq!(error.to_string(), "the timestamp is 400 s old, and 300 s are tolerated");
}

#[test]
fn either_family_of_headers_is_read_and_they_are_never_mixed() {
    let secret = Secret::generate().unwrap();
    let verifier = Verifier::new(&secret);
    let (now, signature) = (NOW.to_string(), sign(&secret, "msg_1", NOW, b"{}").unwrap());
    let all = HashMap::from([
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", &now),
        ("webhook-signature", &signature),
        ("svix-id", "msg_1"),
        ("svix-timestamp", &now),
        ("svix-signature", &signature),
    ]);
    let check = |names: &[&str]| {
        let lookup = |name| names.contains(&name).then(|| all.get(name)).flatten();
        verifier.verify_at(lookup, b"{}", NOW).err()
    };
    let missing = |name| Some(VerifyError::MissingHeader { name });
    assert_eq!(check(&["webhook-id", "webhook-timestamp", "webhook-signature"]), None);
    assert_eq!(check(&["svix-id", "svix-timestamp", "svix-signature"]), None);
    assert_eq!(check(&["webhook-id", "svix-id", "svix-timestamp", "svix-signature"]), None);
    assert_eq!(check(&[]), missing("webhook-id"));
    assert_eq!(check(&["webhook-id", "webhook-signature"]), missing("webhook-timestamp"));
    assert_eq!(check(&["svix-id", "svix-timestamp"]), missing("svix-signature"));
    assert_eq!(check(&["webhook-id", "svix-timestamp", "svix-signature"]), missing("webhook-timestamp"));
}

#[test]
fn entries_that_mean_nothing_are_skipped() {
    let secret = Secret::generate().unwrap();
    let verifier = Verifier::new(&secret);
    let good = Request::signed(&secret, "msg_1", b"");
    let entry = String::from_utf8(good.signature.clone()).unwrap();
    let check = |header: &str| {
        let mut request = good.clone();
        request.signature = header.as_bytes().to_vec();
        request.verify(&verifier).err()
    };
    let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(check(&format!("v2,abc garbage , v1, v1 v1,%% {wrong}  {entry} ")), None);
    assert_eq!(check(wrong), Some(VerifyError::NoMatch));
    for header in
        ["", "   ", "v1", "v1,", "garbage", &entry[3..], &entry.replace("v1,", "v1a,"), &entry[..46]]
    {
        assert_eq!(check(header), Some(VerifyError::NoUsableSignature), "{header:?}");
    }

    let full = vec![wrong; MAX_SIGNATURES].join(" ");
    assert_eq!(check(&full), Some(VerifyError::NoMatch));
    assert_eq!(check(&format!("{full} {entry}")), Some(VerifyError::TooManySignatures));
    assert_eq!(check(&format!("{entry} {full}")), None);
}
