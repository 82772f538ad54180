//! `sign` and `verify`, against each other and against the library.

use hookwright_signature::Verifier;
use hookwright_signature::provider::{Evidence, Inbound, SourceConfig, SourceKind};
use serde_json::Value;

use super::{SECRET, fails, hookwright, succeeds, with_file};

const PAYLOAD: &str = "{\"title\":\"Momo\"} ";

#[tokio::test]
async fn what_sign_prints_the_library_verifies() {
    let launch = hookwright("sign --json").env("HOOKWRIGHT_WEBHOOK_SECRET", SECRET).stdin(PAYLOAD);
    let headers: Value = serde_json::from_str(&succeeds(&launch).await).unwrap();
    let verifier: Verifier = SECRET.parse().unwrap();
    let verified = verifier.verify(|name| headers[name].as_str(), PAYLOAD.as_bytes()).unwrap();
    assert!(verified.id.starts_with("msg_"), "{verified:?}");
}

#[tokio::test]
async fn the_published_example_is_signed_as_published() {
    let launch =
        hookwright("sign --id msg_p5jXN8AQM9LWM0D4loKWxJek --timestamp 1614265330 --header-names svix");
    let launch = launch.args(["--secret", SECRET]).stdin("{\"test\": 2432232314}");
    let expected = "svix-id: msg_p5jXN8AQM9LWM0D4loKWxJek\nsvix-timestamp: 1614265330\n\
                    svix-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n";
    assert_eq!(succeeds(&launch).await, expected);
}

#[tokio::test]
async fn verify_reads_what_sign_prints_and_refuses_what_was_changed() {
    let sign = with_file(hookwright("sign --secret-file secret payload"), "secret", &format!("{SECRET}\n"));
    let sign = with_file(sign, "payload", PAYLOAD);
    let headers = succeeds(&sign).await;
    let verify = |payload: &str| {
        let launch = hookwright("verify --headers headers").env("HOOKWRIGHT_WEBHOOK_SECRET", SECRET);
        with_file(launch, "headers", &headers).stdin(payload.to_owned())
    };
    assert!(succeeds(&verify(PAYLOAD)).await.starts_with("verified msg_"));
    let said = fails(&verify(PAYLOAD.trim())).await;
    assert!(said.starts_with("The payload is not verified: no signature matches"), "{said}");
    let other = verify(PAYLOAD).args(["--secret", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]);
    assert!(fails(&other).await.contains("the secret is another one"));
}

#[tokio::test]
async fn what_was_signed_long_ago_is_refused_unless_that_is_tolerated() {
    let launch = hookwright("verify").args(["--secret", SECRET]).stdin("{\"test\": 2432232314}").args([
        "-H",
        "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
        "-H",
        "Webhook-Timestamp:1614265330",
        "-H",
        "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ]);
    let said = fails(&launch).await;
    assert!(said.contains("s old, and 300 s are tolerated. For a request that was kept"), "{said}");
    let tolerant = launch.args(["--tolerance", "36500d", "--json"]);
    let verified: Value = serde_json::from_str(&succeeds(&tolerant).await).unwrap();
    assert_eq!(verified["verified"], true);
}

#[tokio::test]
async fn a_missing_or_wrong_secret_is_said_and_never_shown() {
    assert!(fails(&hookwright("sign")).await.starts_with("No secret was given. Name a file"));
    let wrong = hookwright("sign").env("HOOKWRIGHT_WEBHOOK_SECRET", "whsec_pass_word!");
    let said = fails(&wrong).await;
    assert!(said.starts_with("The secret cannot be used: ") && !said.contains("pass_word"), "{said}");
    let both = wrong.env("HOOKWRIGHT_WEBHOOK_SECRET_FILE", "x");
    assert!(fails(&both).await.contains("are both set. Keep one of them."));
}

#[tokio::test]
async fn programs_read_why_a_payload_is_refused() {
    let output = hookwright("verify --json").args(["--secret", SECRET]).stdin("{}").run().await;
    assert_eq!(output.status.code(), Some(1));
    let refused: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(refused["problem"], "header `webhook-id` is missing");
}

#[tokio::test]
async fn what_sign_prints_for_a_provider_its_source_takes() {
    let seed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let public = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
    let url = "https://hooks.example.com/in/a";
    for (kind, secret, more, fields) in [
        ("stripe", "s3cret", "", &[("secret", "s3cret")][..]),
        ("hubspot", "s3cret", "--url https://hooks.example.com/in/a", &[("secret", "s3cret")]),
        ("meta", "s3cret", "", &[("secret", "s3cret"), ("verifyToken", "v")]),
        ("telnyx", seed, "", &[("publicKey", public)]),
        ("clerk", SECRET, "", &[("secret", SECRET)]),
        ("token", "s3cret", "--field header=X-Token", &[("header", "x-token"), ("token", "s3cret")]),
        ("basic-auth", "s3cret", "--field username=momo", &[("username", "momo"), ("password", "s3cret")]),
        (
            "hmac",
            "s3cret",
            "--field header=x-sig --field signed={header:x-stamp}.{body}",
            &[("header", "x-sig"), ("secret", "s3cret"), ("signed", "{header:x-stamp}.{body}")],
        ),
    ] {
        let launch = hookwright(&format!("sign --source {kind} --timestamp 1700000000 --json {more}"));
        let launch = launch.env("HOOKWRIGHT_WEBHOOK_SECRET", secret).stdin(PAYLOAD);
        let headers: Value = serde_json::from_str(&succeeds(&launch).await).unwrap();
        let headers: Vec<(&str, &str)> = headers
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (&**name, value.as_str().unwrap()))
            .collect();
        let config = SourceConfig::parse(SourceKind::parse(kind).unwrap(), fields.iter().copied()).unwrap();
        let request =
            Inbound { url: Some(url), headers: &headers, body: PAYLOAD.as_bytes(), ..Inbound::POST };
        config.verify(&request, 1_700_000_000).unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
    let query = hookwright("sign --source panda-doc").args(["--secret", "s3cret"]).stdin(PAYLOAD);
    assert!(succeeds(&query).await.starts_with("?signature="));
}

#[tokio::test]
async fn a_provider_that_cannot_be_played_is_said() {
    let sign =
        |kind: &str| hookwright(&format!("sign --source {kind}")).args(["--secret", "s3cret"]).stdin("{}");
    assert!(fails(&sign("strike")).await.contains("There is no kind of source \"strike\"."));
    assert!(fails(&sign("hubspot")).await.contains("Say which URL is called with --url."));
    assert!(fails(&sign("vgs")).await.contains("not verifiable yet"));
    let telnyx = fails(&sign("telnyx")).await;
    assert!(telnyx.contains("privateKey: ") && !telnyx.contains("s3cret"), "{telnyx}");
}

#[tokio::test]
async fn the_kinds_of_sources_are_listed_with_their_evidence() {
    let lines = succeeds(&hookwright("source kinds")).await;
    let expected: Vec<String> =
        SourceKind::all().map(|kind| format!("{kind}\t{}\t", kind.evidence())).collect();
    let found: Vec<&str> = lines.lines().skip(1).collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    let kinds: Value = serde_json::from_str(&succeeds(&hookwright("source kinds --json")).await).unwrap();
    let unproven = kinds.as_array().unwrap().iter().filter(|kind| kind["evidence"] == "not verifiable yet");
    let none = SourceKind::all().filter(|kind| kind.evidence() == Evidence::None).count();
    assert_eq!((unproven.count(), none), (4, 4));
}
