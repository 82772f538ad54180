//! What `docs/configuration.md` says is true.

use serde_json::Value;

use super::{hookwright, succeeds, with_file};

const DOCUMENT: &str = include_str!("../../../../../docs/configuration.md");

fn sample() -> &'static str {
    let (_, rest) = DOCUMENT.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0
}

async fn settings(launch: hookwright_testkit::Launch) -> Vec<(String, Value, String)> {
    let document: Value = serde_json::from_str(&succeeds(&launch).await).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let settings = document["settings"].as_array().unwrap().iter();
    settings.map(|one| (text(&one["key"]), one["value"].clone(), text(&one["source"]))).collect()
}

#[tokio::test]
async fn the_sample_file_names_every_setting_and_its_true_default() {
    let plain = settings(hookwright("config check --json")).await;
    let sampled = settings(with_file(hookwright("config check --json"), "hookwright.toml", sample())).await;
    for ((key, default, _), (_, documented, source)) in plain.iter().zip(&sampled) {
        assert_eq!(default, documented, "{key}");
        // What has no default stands there as a comment.
        let line = if default.is_null() { format!("\n# {key}") } else { format!("\n{key} = ") };
        assert!(sample().contains(&line), "{key}");
        assert_eq!(source.starts_with("file: "), !default.is_null(), "{key}: {source}");
        assert!(DOCUMENT.contains(&format!("\n# HOOKWRIGHT_{}", key.to_uppercase())), "{key}");
    }
}

#[tokio::test]
async fn the_sample_of_tables_can_be_written() {
    let (_, tables) = DOCUMENT.split_once("## Tables").unwrap();
    let (_, sample) = tables.split_once("```toml\n").unwrap();
    let sample = sample.split_once("```").unwrap().0.replace("/usr/local/bin/notify", "/bin/cat");
    let read = settings(with_file(hookwright("config check --json"), "hookwright.toml", &sample)).await;
    for key in ["rest_hooks_verify_url", "notify_command"] {
        assert!(read.iter().any(|(name, _, source)| name == key && source.starts_with("file: ")), "{key}");
    }
}

#[tokio::test]
async fn what_is_commented_out_in_the_sample_can_be_written() {
    let authority = hookwright_testkit::Authority::new();
    let launch = with_file(hookwright("config check --json"), "secret", "x");
    let launch = with_file(launch, "ca.pem", authority.pem());
    let launch = with_file(launch, "master_key", &format!("2026-11:{}", "0f".repeat(32)));
    let commented =
        sample().lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.contains(" = \""));
    let mut file = commented.collect::<Vec<&str>>().join("\n");
    assert_eq!(file.lines().count(), 6, "{file}");
    for (documented, here) in [
        ("/run/secrets/api_token", "secret"),
        ("/run/secrets/jwt_secret", "secret"),
        ("/run/secrets/master_key", "master_key"),
        ("/etc/ssl/certs/company-ca.pem", "ca.pem"),
    ] {
        assert!(file.contains(documented), "{file}");
        file = file.replace(documented, here);
    }
    settings(with_file(launch, "hookwright.toml", &file)).await;
}
