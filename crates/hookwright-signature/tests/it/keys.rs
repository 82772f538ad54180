//! Secrets and public keys: what is read, what is refused, and what is never shown.

use hookwright_signature::{
    GENERATED_SECRET_BYTES, KeyError, ParsePublicKeyError, ParseSecretError, PublicKey, Secret, Signer,
    VerificationKey, Verifier, Version,
};

use crate::requests::both_kinds;

const SYMMETRIC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

#[test]
fn what_is_exposed_is_read_back() {
    for secret in both_kinds() {
        assert_eq!(Secret::parse(&secret.expose()).unwrap(), secret);
    }
    assert_eq!(*Secret::parse(SYMMETRIC).unwrap().expose(), SYMMETRIC);
    assert_eq!(PublicKey::parse(PUBLIC).unwrap().to_string(), PUBLIC);
}

#[test]
fn generated_secrets_differ_and_say_their_kind() {
    let [symmetric, asymmetric] = both_kinds();
    assert_eq!((symmetric.version(), asymmetric.version()), (Version::V1, Version::V1a));
    assert!(symmetric.expose().starts_with("whsec_") && asymmetric.expose().starts_with("whsk_"));
    assert!(symmetric.public_key().is_none() && asymmetric.public_key().is_some());
    assert_eq!(symmetric.expose().len(), "whsec_".len() + GENERATED_SECRET_BYTES.div_ceil(3) * 4);
    for (a, b) in both_kinds().iter().zip(&both_kinds()) {
        assert_ne!(a, b);
    }
    assert_ne!(symmetric, asymmetric);
}

#[test]
fn bare_base64_is_a_symmetric_secret_with_or_without_its_padding() {
    assert_eq!(Secret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Secret::parse(SYMMETRIC));
    let secret = Secret::from_bytes(&[7; 32]).unwrap();
    assert!(secret.expose().ends_with('='));
    assert_eq!(Secret::parse(secret.expose().trim_end_matches('=')).unwrap(), secret);
    assert_eq!(PublicKey::parse(PUBLIC.trim_end_matches('=')), PublicKey::parse(PUBLIC));
}

#[test]
fn a_symmetric_secret_has_24_to_64_bytes() {
    for length in [24, 25, 32, 63, 64] {
        assert!(Secret::from_bytes(&vec![1; length]).is_ok(), "{length}");
    }
    for length in [0, 1, 23, 65, 4096] {
        assert_eq!(Secret::from_bytes(&vec![1; length]), Err(ParseSecretError::Length { bytes: length }));
    }
    assert_eq!(Secret::parse("whsec_"), Err(ParseSecretError::Length { bytes: 0 }));
    assert_eq!(Secret::parse(""), Err(ParseSecretError::Length { bytes: 0 }));
    assert_eq!(Secret::parse("whsec_bXlzZWNyZXRrZXkxMjM0NQ=="), Err(ParseSecretError::Length { bytes: 16 }));
}

#[test]
fn damaged_secrets_are_refused() {
    for text in [
        "whsec_%",
        "hwsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "whsec_ MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
        "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        // The last character carries bits that belong to no byte: the same key under a second name.
        "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwd=",
        "whsk_!",
    ] {
        assert_eq!(Secret::parse(text), Err(ParseSecretError::Encoding), "{text:?}");
    }
    assert_eq!(Secret::parse(PUBLIC), Err(ParseSecretError::PublicKey));
}

#[test]
fn a_private_key_is_a_seed_or_a_seed_with_its_own_public_key() {
    for (length, text) in [(0, "whsk_"), (3, "whsk_AAAA"), (33, &format!("whsk_{}", "A".repeat(44)))] {
        assert_eq!(Secret::parse(text), Err(ParseSecretError::PrivateKeyLength { bytes: length }));
    }
    // From Svix's own tests: the two halves do not belong together.
    let foreign =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlaaaaaaaaaaAJ6p9lMicMFs6Kvg==";
    assert_eq!(Secret::parse(foreign), Err(ParseSecretError::KeyPairMismatch));
}

#[test]
fn unsafe_public_keys_are_refused() {
    assert_eq!(PublicKey::parse("whpk_AAAA"), Err(ParsePublicKeyError::Length { bytes: 3 }));
    assert_eq!(
        PublicKey::parse("1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="),
        Err(ParsePublicKeyError::Encoding)
    );
    assert_eq!(PublicKey::parse(SYMMETRIC), Err(ParsePublicKeyError::Secret));
    assert_eq!(PublicKey::parse("whsk_AAAA"), Err(ParsePublicKeyError::Secret));
    // The neutral element, a point of order 4, and a number that is no point's coordinate.
    for key in [
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ] {
        assert_eq!(PublicKey::parse(&format!("whpk_{key}")), Err(ParsePublicKeyError::Invalid), "{key}");
    }
}

#[test]
fn a_verifier_reads_keys_of_all_kinds() {
    let [symmetric, asymmetric] = both_kinds();
    let text = format!("  {}\n{PUBLIC}\t{} ", *symmetric.expose(), *asymmetric.expose());
    assert!(Verifier::parse(&text).is_ok());
    assert_eq!(Verifier::parse(" ").unwrap_err(), KeyError::Missing);
    assert_eq!(Verifier::parse("nonsense!").unwrap_err(), KeyError::Secret(ParseSecretError::Encoding));
    assert_eq!(
        Verifier::parse(&format!("{SYMMETRIC} whpk_")).unwrap_err(),
        KeyError::PublicKey(ParsePublicKeyError::Length { bytes: 0 })
    );
}

#[test]
fn debug_output_and_errors_show_no_secret() {
    for secret in both_kinds() {
        let shown = [
            format!("{secret:?} {secret:#?}"),
            format!("{:?}", Signer::new(&secret)),
            format!("{:?}", VerificationKey::from(&secret)),
            format!("{:#?}", Verifier::new(&secret)),
        ];
        let exposed = secret.expose();
        let encoded = exposed.split_once('_').unwrap().1;
        for text in shown {
            // A private key's second half is its public key, which may be shown.
            assert!(!text.contains(&encoded[..16]), "{text}");
        }
    }
    for damaged in ["whsec_SUPERSECRET%SUPERSECRET", "whsk_SUPERSECRET", "SUPERSECRETSUPERSECRET"] {
        let error = Secret::parse(damaged).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("SUPER"), "{error:?}");
    }
}
