//! Published vectors; each names its source in the file.

use hookwright_signature::{Secret, Verifier, sign};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    source: String,
    key: Option<String>,
    public_key: Option<String>,
    id: String,
    timestamp: u64,
    body: String,
    signature: String,
}

#[test]
fn every_published_signature_is_made_and_accepted() {
    let file: File = serde_json::from_str(include_str!("../vectors/standard_webhooks.json")).unwrap();
    assert_eq!(file.vectors.len(), 5);
    for vector in file.vectors {
        if let Some(key) = &vector.key {
            let secret: Secret = key.parse().unwrap();
            let made = sign(&secret, &vector.id, vector.timestamp, vector.body.as_bytes()).unwrap();
            assert_eq!(made, vector.signature, "{}", vector.source);
            if let Some(public) = &vector.public_key {
                assert_eq!(secret.public_key().unwrap().to_string(), *public);
            }
        }
        for key in vector.key.iter().chain(&vector.public_key) {
            let verifier: Verifier = key.parse().unwrap();
            let header = |name| match name {
                "webhook-id" => Some(vector.id.clone()),
                "webhook-timestamp" => Some(vector.timestamp.to_string()),
                "webhook-signature" => Some(vector.signature.clone()),
                _ => None,
            };
            let verified = verifier.verify_at(header, vector.body.as_bytes(), vector.timestamp).unwrap();
            assert_eq!((verified.id, verified.timestamp), (vector.id.clone(), vector.timestamp));
            assert!(verifier.verify_at(header, b"another body", vector.timestamp).is_err());
        }
    }
}

#[test]
fn a_seed_and_its_key_pair_are_the_same_secret() {
    let pair =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let seed = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
    let secret = Secret::parse(seed).unwrap();
    assert_eq!(secret, Secret::parse(pair).unwrap());
    assert_eq!(*secret.expose(), pair);
}
