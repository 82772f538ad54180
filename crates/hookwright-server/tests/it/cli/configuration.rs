//! Settings: which of three places counts, and what is said about mistakes.

use serde_json::Value;

use super::{fails, hookwright, succeeds, with_file};

const CHECK: &str = "config check";

/// Value and source of a setting.
async fn setting(launch: &hookwright_testkit::Launch, key: &str) -> (String, String) {
    let output = succeeds(&launch.clone().arg("--json")).await;
    let document: Value = serde_json::from_str(&output).unwrap();
    let settings = document["settings"].as_array().unwrap();
    let found = settings.iter().find(|setting| setting["key"] == key).unwrap();
    (found["value"].as_str().unwrap_or("-").to_owned(), found["source"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_flag_is_over_a_variable_is_over_the_file_is_over_the_default() {
    let launch = hookwright(CHECK);
    let get = |launch| async move { setting(&launch, "request_timeout").await };
    assert_eq!(get(launch.clone()).await, ("15s".into(), "default".into()));
    let launch = with_file(launch, "hookwright.toml", "\nrequest_timeout = \"3s\"\n");
    let source = "file: request_timeout (hookwright.toml, line 2)";
    assert_eq!(get(launch.clone()).await, ("3s".into(), source.into()));
    let launch = launch.env("HOOKWRIGHT_REQUEST_TIMEOUT", "");
    assert_eq!(get(launch.clone()).await.0, "3s", "an empty variable counts as not set");
    let launch = launch.env("HOOKWRIGHT_REQUEST_TIMEOUT", "2s");
    assert_eq!(get(launch.clone()).await, ("2s".into(), "env: HOOKWRIGHT_REQUEST_TIMEOUT".into()));
    let launch = launch.args(["--request-timeout", "1s"]);
    assert_eq!(get(launch).await, ("1s".into(), "flag: --request-timeout".into()));
}

#[tokio::test]
async fn another_file_is_read_instead_if_it_is_named() {
    let launch = with_file(hookwright(CHECK), "hookwright.toml", "payload_limit = 1");
    let launch = with_file(launch, "other.toml", "payload_limit = 2");
    let launch = with_file(launch, "third.toml", "payload_limit = 3").env("HOOKWRIGHT_CONFIG", "other.toml");
    assert_eq!(setting(&launch, "payload_limit").await.0, "2");
    assert_eq!(setting(&launch.args(["--config", "third.toml"]), "payload_limit").await.0, "3");
}

#[tokio::test]
async fn secrets_are_masked_and_can_come_from_files() {
    let launch = with_file(hookwright(CHECK), "token", "secret_secret\n");
    let launch = launch.env("HOOKWRIGHT_JWT_SECRET", "secret_of_jwt");
    assert_eq!(setting(&launch, "jwt_secret").await.0, "(13 characters)");
    for launch in [
        launch.clone().env("HOOKWRIGHT_API_TOKEN_FILE", "token"),
        launch.clone().args(["--api-token-file", "token"]),
        with_file(launch, "hookwright.toml", "api_token_file = \"token\""),
    ] {
        assert_eq!(setting(&launch, "api_token").await.0, "(from token)");
        let output = launch.run().await;
        assert!(!output.stdout.contains("secret_"), "{output:?}");
        assert!(output.stdout.contains("An API token of at least 32 random characters"), "{output:?}");
    }
}

#[tokio::test]
async fn lists_numbers_and_truth_values_of_the_file_are_read() {
    let file = "allow_target_networks = [\"10.0.0.0/8\", \"::1\"]\nhttps_only = true\npayload_limit = 1_000\nretry_schedule = []";
    // TOML allows separators in numbers; the value is read without.
    let launch = with_file(hookwright(CHECK), "hookwright.toml", file);
    assert_eq!(setting(&launch, "allow_target_networks").await.0, "10.0.0.0/8,::1");
    assert_eq!(setting(&launch, "https_only").await.0, "true");
    assert_eq!(setting(&launch, "payload_limit").await.0, "1000");
    assert_eq!(setting(&launch, "retry_schedule").await.0, "none");
}

#[tokio::test]
async fn a_table_of_the_file_is_a_way_to_write_settings_that_belong_together() {
    let file = "[rest_hooks]\nverify_url = \"https://a.example/v\"\n[notify]\ncommand = [\"/bin/cat\", \"a,b\"]\n[events]\n\"book.added\" = \"Book.created\"\n\"user.left\" = \"\"";
    let launch = with_file(hookwright(CHECK), "hookwright.toml", file);
    let source = "file: rest_hooks.verify_url (hookwright.toml, line 2)".to_owned();
    assert_eq!(setting(&launch, "rest_hooks_verify_url").await, ("https://a.example/v".to_owned(), source));
    assert_eq!(setting(&launch, "notify_command").await.0, r#"["/bin/cat","a,b"]"#);
    let launch = launch.env("HOOKWRIGHT_REST_HOOKS_VERIFY_URL", "https://b.example/");
    assert_eq!(setting(&launch, "rest_hooks_verify_url").await.0, "https://b.example/");
}

#[tokio::test]
async fn every_mistake_in_a_variable_is_named_with_what_to_do() {
    for (variable, value, expected) in [
        (
            "RETRY_SCHEDUL",
            "5s",
            "HOOKWRIGHT_RETRY_SCHEDUL is no setting. Did you mean HOOKWRIGHT_RETRY_SCHEDULE?",
        ),
        ("COLOUR", "red", "HOOKWRIGHT_COLOUR is no setting. `hookwright config check` lists all settings."),
        ("DNS_SERVERS", "10.0.0.1", "HOOKWRIGHT_DNS_SERVERS is not supported by this version yet."),
        ("INBOUND_RETENTION", "0s", "which must be 1s to 36500d. An example is 7d."),
        ("RETENTION", "10s", "which must be 1m to 36500d. An example is 90d."),
        (
            "MASTER_KEY",
            "a:pass_word",
            "The value of HOOKWRIGHT_MASTER_KEY holds under the id \"a\" something that is not 32 bytes in base64, or 64 hexadecimal digits.",
        ),
        (
            "MASTER_KEY",
            "pass_word",
            "The value of HOOKWRIGHT_MASTER_KEY holds a key without an id; write id:key.",
        ),
        (
            "REQUEST_TIMEOUT",
            "15",
            "HOOKWRIGHT_REQUEST_TIMEOUT is \"15\", which has no unit; units are ms, s, m, h and d. An example is 15s.",
        ),
        ("REQUEST_TIMEOUT", "0s", "which must be 1ms to 10m."),
        ("RETRY_SCHEDULE", "5s,,5m", "which is empty."),
        ("RETRY_SCHEDULE", "5s,5 weeks", "which has the unit \"weeks\"; units are ms, s, m, h and d."),
        (
            "PAYLOAD_LIMIT",
            "1MB",
            "which has the unit \"MB\"; units are B, KiB, MiB and GiB. An example is 1MiB.",
        ),
        ("PAYLOAD_LIMIT", "65MiB", "which must be 1 to 64MiB."),
        (
            "LISTEN",
            "8071",
            "HOOKWRIGHT_LISTEN is \"8071\", which is not an IP address and a port. An example is 0.0.0.0:8071.",
        ),
        (
            "DATABASE_URL",
            "mysql://me:pass_word@db/x",
            "HOOKWRIGHT_DATABASE_URL is \"mysql://…@db/x\", which begins with neither sqlite:// nor postgres://",
        ),
        ("DATABASE_URL", "hookwright.db", "which begins with neither sqlite:// nor postgres://"),
        (
            "PUBLIC_URL",
            "https://me:pass_word@example.com",
            "which is not an http or https URL without user, query and fragment.",
        ),
        ("HTTPS_ONLY", "yes", "which must be true or false."),
        ("SIGNATURE_HEADERS", "all", "which must be webhook, svix or both."),
        (
            "ALLOW_TARGET_NETWORKS",
            "127.0.0.0/8,10.0.0.0/33",
            "which has the entry \"10.0.0.0/33\", which is not a network in CIDR notation.",
        ),
        ("CA_FILE", "nowhere.pem", "HOOKWRIGHT_CA_FILE names the file nowhere.pem, which cannot be read: "),
        ("SHUTDOWN_GRACE", "2h", "which must be 0s to 1h."),
        ("LOG", "info,=,", "which is not a log filter."),
        ("LOG_FORMAT", "xml", "which must be text or json."),
        (
            "API_TOKEN",
            "pass_word with spaces",
            "The value of HOOKWRIGHT_API_TOKEN has a space or a character that is not ASCII",
        ),
        (
            "API_TOKEN_FILE",
            "nowhere",
            "HOOKWRIGHT_API_TOKEN_FILE names the file nowhere, which cannot be read: ",
        ),
        (
            "CONFIG",
            "nowhere.toml",
            "The configuration file nowhere.toml, which HOOKWRIGHT_CONFIG names, does not exist.",
        ),
    ] {
        let said = fails(&hookwright(CHECK).env(format!("HOOKWRIGHT_{variable}"), value)).await;
        assert!(said.contains(expected), "{variable}={value}: {said}");
        assert!(!said.contains("pass_word"), "{said}");
    }
}

#[tokio::test]
async fn every_mistake_in_the_file_is_named_with_its_line() {
    for (file, expected) in [
        (
            "\nlisten = \"127.0.0.1:80\"\nlissen = 1",
            "lissen (hookwright.toml, line 3) is no setting. Did you mean listen?",
        ),
        ("request_timeout = 15", "request_timeout (hookwright.toml, line 1) is \"15\", which has no unit"),
        (
            "[listen]\nport = 1",
            "listen (hookwright.toml, line 1) is a TOML table, and must be a text, for example listen = \"0.0.0.0:8071\".",
        ),
        (
            "events = 1",
            "events (hookwright.toml, line 1) is a TOML integer, and must be a table, for example [events]",
        ),
        (
            "[events]\n\"a\" = 1",
            "events.\"a\" (hookwright.toml, line 2) is a TOML integer, and must be a text, for example \"book.added\" = \"bookstore.Book.created\".",
        ),
        (
            "[events]\n\"a\" = \"b\"",
            "events.\"a\" (hookwright.toml, line 2) cannot be declared: the source of the event \"a\" cannot be read: \"b\" names no action",
        ),
        (
            "[events]\n\"a b\" = \"\"",
            "events.\"a b\" (hookwright.toml, line 2) cannot be declared: the event name \"a b\" has the character ' '",
        ),
        (
            "[events]\n\"book.added\" = \"Book.created\"\n\"book.made\" = \"Book.created+\"",
            "cannot be declared: the events book.added and book.made are both declared for Book.created",
        ),
        ("rest_hooks = 1", "rest_hooks (hookwright.toml, line 1) is a TOML integer, and must be a table"),
        (
            "[rest_hooks]\nverify_ulr = \"https://a.example/\"",
            "rest_hooks.verify_ulr (hookwright.toml, line 2) is no setting. Did you mean rest_hooks_verify_url?",
        ),
        (
            "[rest_hooks]\nverify_url = \"ftp://a.example/\"",
            "rest_hooks.verify_url (hookwright.toml, line 2) is \"ftp://a.example/\", which is not an http or https URL",
        ),
        (
            "[notify]\ncommand = []",
            "notify.command (hookwright.toml, line 2) is \"[]\", which is not a JSON array of texts, the program first.",
        ),
        (
            "[notify]\ncommand = [1]",
            "notify.command (hookwright.toml, line 2) is a TOML array, and must be a text, for example notify_command = ",
        ),
        ("\n[[capture]]", "capture (hookwright.toml, line 2) is not supported by this version yet."),
        ("listen = \"x", "hookwright.toml, line 1, is not valid TOML: "),
        ("log = \"info\"\nlog = \"warn\"", "hookwright.toml, line 2, is not valid TOML: duplicate key"),
        (
            "api_token = \"a\"\napi_token_file = \"b\"",
            "api_token (hookwright.toml, line 1) and api_token_file (hookwright.toml, line 2) are both set. Keep one of them.",
        ),
    ] {
        let said = fails(&with_file(hookwright(CHECK), "hookwright.toml", file)).await;
        assert!(said.contains(expected), "{file}: {said}");
    }
}

#[tokio::test]
async fn files_that_hold_something_else_are_refused() {
    for (name, content, variable, expected) in [
        ("empty", " \n", "API_TOKEN_FILE", "The value of HOOKWRIGHT_API_TOKEN_FILE is empty."),
        (
            "ca.pem",
            "no certificate",
            "CA_FILE",
            "HOOKWRIGHT_CA_FILE is \"ca.pem\", which names a file without a PEM certificate.",
        ),
    ] {
        let launch = with_file(hookwright(CHECK), name, content);
        let said = fails(&launch.env(format!("HOOKWRIGHT_{variable}"), name)).await;
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn dev_never_listens_where_others_reach_it() {
    let said = fails(&hookwright("dev --listen 0.0.0.0:0")).await;
    assert!(
        said.starts_with("--listen is 0.0.0.0:0, and `hookwright dev` listens on this machine alone"),
        "{said}"
    );
}

#[tokio::test]
async fn plain_output_is_tab_separated_and_ends_with_advice() {
    let said = succeeds(&hookwright(CHECK)).await;
    assert!(said.starts_with("SETTING\tVALUE\tSOURCE\nlisten\t127.0.0.1:8071\tdefault\n"), "{said}");
    assert!(said.contains("- HOOKWRIGHT_HTTPS_ONLY=true: "), "{said}");
    let good = hookwright(CHECK)
        .env("HOOKWRIGHT_HTTPS_ONLY", "true")
        .env("HOOKWRIGHT_MASTER_KEY", format!("a:{}", "0f".repeat(32)))
        .env("HOOKWRIGHT_PUBLIC_URL", "https://h.example.com");
    assert!(succeeds(&good).await.ends_with("The configuration is good.\n"));
}
