//! Which server a command speaks to: flags, profiles, the environment; and what is said if there is none.

use std::os::unix::fs::PermissionsExt;

use hookwright_testkit::Launch;

use super::served::{Served, TOKEN};
use super::{fails, hookwright, succeeds, with_file};

/// Another command with the same home.
fn beside(launch: &Launch, arguments: &str) -> Launch {
    launch.clone().instead(env!("CARGO_BIN_EXE_hookwright")).args(arguments.split_whitespace())
}

#[tokio::test]
async fn a_profile_keeps_a_server_and_its_token() {
    let server = Served::start().await;
    server.text("application create acme").await;
    let set = hookwright(&format!("profile set here --url {}/ --token-file -", server.url))
        .stdin(format!("{TOKEN}\n"));
    assert_eq!(succeeds(&set).await, format!("Kept the profile here for {}.\n", server.url));
    let file = set.directory().join(".config/hookwright/profiles.toml");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    succeeds(&beside(&set, "application get acme --profile here")).await;
    // A profile's token is for its server, whatever the environment holds for another.
    let elsewhere = beside(&set, "application get acme --profile here");
    succeeds(&elsewhere.env("HOOKWRIGHT_API_TOKEN", "other").env("HOOKWRIGHT_URL", "http://127.0.0.1:1"))
        .await;
    let listed = succeeds(&beside(&set, "profile list")).await;
    assert_eq!(listed, format!("NAME\tURL\tTOKEN\nhere\t{}\tkept\n", server.url));
    assert!(!succeeds(&beside(&set, "profile list --json")).await.contains(TOKEN));

    let said = fails(&beside(&set, "application list --profile there")).await;
    assert!(
        said.starts_with("There is no profile there in ") && said.ends_with("There are: here."),
        "{said}"
    );
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warned = beside(&set, "application list --profile here").run().await;
    assert!(
        warned.stderr.starts_with("warning: Others on this machine can read the tokens in "),
        "{warned:?}"
    );
    assert_eq!(warned.status.code(), Some(0));

    assert_eq!(succeeds(&beside(&set, "profile remove here")).await, "Removed the profile here.\n");
    let said = fails(&beside(&set, "profile remove here")).await;
    assert!(said.contains("`hookwright profile set here --url …` makes it."), "{said}");
}

#[tokio::test]
async fn the_default_profile_is_used_when_nothing_else_says_which_server() {
    let server = Served::start().await;
    let set = hookwright(&format!("profile set default --url {} --token {TOKEN}", server.url));
    let set = set.clone().env("XDG_CONFIG_HOME", set.directory().join("xdg"));
    succeeds(&set).await;
    assert!(set.directory().join("xdg/hookwright/profiles.toml").exists());
    succeeds(&beside(&set, "application create acme")).await;
    assert_eq!(server.lines("application list").await.column("UID"), ["acme"]);
    let said = fails(&beside(&set, "application list --url http://127.0.0.1:1 --token x")).await;
    assert!(said.starts_with("The server at http://127.0.0.1:1 cannot be reached: "), "{said}");
    let said = fails(&beside(&set, "application list").env("HOOKWRIGHT_URL", "http://127.0.0.1:1")).await;
    assert!(said.starts_with("No access token was given for the server at http://127.0.0.1:1."), "{said}");
}

#[tokio::test]
async fn a_broken_file_of_profiles_is_named_and_not_quoted() {
    let set = hookwright("profile set a --url http://h --token secret_1");
    succeeds(&set).await;
    let file = set.directory().join(".config/hookwright/profiles.toml");
    for broken in ["[a]\nurl = \"http://h\"\ntoken = secret_1", "[a]\nsecret_1 = 1\nurl = \"x\""] {
        std::fs::write(&file, broken).unwrap();
        let said = fails(&beside(&set, "profile list")).await;
        assert!(said.contains("profiles.toml cannot be understood, near line "), "{said}");
        assert!(!said.contains("secret_1"), "{said}");
    }
    for (arguments, expected) in [
        ("profile set a/b --url http://h", "\"a/b\" cannot be a profile's name."),
        ("profile set a --url h", "\"h\" is not the URL of a server."),
        ("profile set a --url http://u:p@h", "The URL of the server holds a user or a password"),
    ] {
        let said = fails(&hookwright(arguments)).await;
        assert!(said.starts_with(expected), "{arguments}: {said}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_told_apart() {
    let server = Served::start().await;
    let nobody = format!("http://127.0.0.1:{}", hookwright_testkit::free_port());
    for command in ["application list", "endpoint list --app a", "tail --app a", "task list", "stats --app a"]
    {
        let said = fails(&hookwright(&format!("{command} --url {nobody} --token t"))).await;
        assert!(
            said.starts_with(&format!("The server at {nobody} cannot be reached: ")),
            "{command}: {said}"
        );
        let said = fails(&hookwright(&format!("{command} --url {} --token wrong", server.url))).await;
        let expected =
            format!("The server at {} does not take the access token: 401 Unauthorized.", server.url);
        assert!(said.starts_with(&expected) && !said.contains("wrong"), "{command}: {said}");
    }
    let said = fails(&hookwright(&format!("application list --token {TOKEN} --url {}/x", server.url))).await;
    assert!(said.ends_with("Is this the address of a Hookwright server, without a path?"), "{said}");
    let from_file = hookwright(&format!("application list --token-file t --url {}", server.url));
    succeeds(&with_file(from_file, "t", &format!("{TOKEN}\n"))).await;
    let by_variable = hookwright(&format!("application list --url {}", server.url));
    let by_variable = with_file(by_variable, "t", TOKEN).env("HOOKWRIGHT_API_TOKEN_FILE", "t");
    succeeds(&by_variable).await;
    let said = fails(&server.command("application list --token").arg("a\nb")).await;
    assert!(said.starts_with("The request cannot be written"), "{said}");
}

#[tokio::test]
async fn each_shell_gets_its_completions() {
    for (shell, expected) in [
        ("bash", "_hookwright()"),
        ("zsh", "#compdef hookwright"),
        ("fish", "complete -c hookwright"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[hookwright]"),
    ] {
        let script = succeeds(&hookwright(&format!("completion {shell}"))).await;
        assert!(script.contains(expected) && script.contains("rotate-secret"), "{shell}");
    }
}
