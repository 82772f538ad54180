//! Against `standardwebhooks`, the reference library: what either signs, the other accepts.

use std::time::{SystemTime, UNIX_EPOCH};

use hookwright_signature::{Secret, Verifier, sign};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use standardwebhooks::Webhook;

/// The reference has no other clock than the system's.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn headers(id: &str, timestamp: u64, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", id.parse().unwrap());
    headers.insert("webhook-timestamp", HeaderValue::from(timestamp));
    headers.insert("webhook-signature", signature.parse().unwrap());
    headers
}

proptest! {
    #[test]
    fn both_sign_alike(
        key in prop::collection::vec(any::<u8>(), 24..=64),
        id in "[!-\\-/-~]{1,256}",
        timestamp in 0..=i64::MAX,
        body in ".{0,2000}",
    ) {
        let secret = Secret::from_bytes(&key).unwrap();
        let theirs = Webhook::new(&secret.expose()).unwrap().sign(&id, timestamp, body.as_bytes()).unwrap();
        let ours = sign(&secret, &id, timestamp.unsigned_abs(), body.as_bytes()).unwrap();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn each_accepts_what_the_other_signed(id in "[!-\\-/-~]{1,256}", body in ".{0,2000}", age in 0_u64..=290) {
        let secret = Secret::generate().unwrap();
        let reference = Webhook::new(&secret.expose()).unwrap();
        let timestamp = now() - age;

        let ours = sign(&secret, &id, timestamp, body.as_bytes()).unwrap();
        prop_assert!(reference.verify(body.as_bytes(), &headers(&id, timestamp, &ours)).is_ok());

        let theirs = reference.sign(&id, timestamp.try_into().unwrap(), body.as_bytes()).unwrap();
        let headers = headers(&id, timestamp, &theirs);
        let verified = Verifier::new(&secret).verify(|name| headers.get(name), body.as_bytes()).unwrap();
        prop_assert_eq!((verified.id, verified.timestamp), (id, timestamp));
    }
}
