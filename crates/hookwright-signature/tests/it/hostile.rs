//! Input that nobody well-meaning sends: it is refused, and nothing panics.

use hookwright_signature::{Parts, PublicKey, Secret, Signer, VerificationKey, Verifier};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use crate::requests::{NOW, Request, both_kinds};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..300)
}

/// Headers that come close to real ones.
fn signature_header() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        bytes(),
        "( {0,3}v[0-9]?a?,?[A-Za-z0-9+/]{0,90}={0,3}){0,40}".prop_map(String::into_bytes),
        "( v1,[A-Za-z0-9+/]{43}=){0,20}( v1a,[A-Za-z0-9+/]{86}==){0,20}".prop_map(String::into_bytes),
    ]
}

fn verifier() -> Verifier {
    let [symmetric, asymmetric] = both_kinds();
    Verifier::new(symmetric).with_key(asymmetric)
}

proptest! {
    #[test]
    fn no_header_of_any_bytes_is_accepted_or_panics(
        id in prop_oneof![bytes(), "[a-z]{1,9}".prop_map(String::into_bytes)],
        timestamp in prop_oneof![bytes(), "[0-9]{1,30}".prop_map(String::into_bytes)],
        signature in signature_header(),
        body in bytes(),
        now in any::<u64>(),
    ) {
        let parts = Parts { id: &id, timestamp: &timestamp, signature: &signature };
        prop_assert!(verifier().verify_parts(parts, &body, now).is_err());
        let fresh = NOW.to_string();
        let parts = Parts { id: b"msg_1", timestamp: fresh.as_bytes(), signature: &signature };
        prop_assert!(verifier().verify_parts(parts, &body, NOW).is_err());
    }

    #[test]
    fn no_key_text_panics(text in prop_oneof![".{0,200}", "(whsec_|whsk_|whpk_)[A-Za-z0-9+/]{0,100}={0,2}"]) {
        if let Ok(secret) = Secret::parse(&text) {
            prop_assert_eq!(Secret::parse(&secret.expose()).unwrap(), secret);
        }
        if let Ok(key) = PublicKey::parse(&text) {
            prop_assert_eq!(PublicKey::parse(&key.to_string()).unwrap(), key);
        }
        let read = text.parse::<VerificationKey>().is_ok();
        prop_assert_eq!(read, Secret::parse(&text).is_ok() || PublicKey::parse(&text).is_ok());
        let _ = Verifier::parse(&text);
    }

    #[test]
    fn signing_any_id_works_or_is_refused_and_what_is_signed_verifies(
        id in prop_oneof![".{0,300}", "[!-~]{1,40}"],
        timestamp in any::<u64>(),
        body in bytes(),
    ) {
        for secret in both_kinds() {
            if let Ok(header) = Signer::new(&secret).sign(&id, timestamp, &body) {
                prop_assert!(!id.contains('.'));
                let mut request = Request::signed_at(&secret, &id, timestamp, &body);
                prop_assert_eq!(&request.signature, header.as_bytes());
                request.signature.extend_from_slice(b" v1,");
                let verifier = Verifier::new(&secret).with_tolerance(std::time::Duration::MAX);
                prop_assert!(request.verify(&verifier).is_ok());
            }
        }
    }
}
