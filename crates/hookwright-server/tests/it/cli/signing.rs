//! `sign` and `verify`, against each other and against the library.

use hookwright_signature::Verifier;
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
