//! What the program says about itself.

use super::{hookwright, succeeds};

/// The names of the commands below one, from its help.
pub(super) fn commands_below(help: &str) -> Vec<&str> {
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    // Continuations of a description stand further to the right.
    let names = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    names.filter_map(|rest| rest.split_whitespace().next()).filter(|name| *name != "help").collect()
}

#[tokio::test]
async fn the_help_of_every_command_has_an_example() {
    let mut waiting = vec![String::new()];
    let mut seen = 0;
    while let Some(command) = waiting.pop() {
        let help = succeeds(&hookwright(&format!("{command} --help"))).await;
        assert!(help.contains("\nExample:\n") || help.contains("\nExamples:\n"), "{command}: {help}");
        assert!(help.contains("\n  hookwright "), "{command}: {help}");
        seen += 1;
        waiting.extend(commands_below(&help).iter().map(|name| format!("{command} {name}")));
    }
    let below = 8 + 13 + 8 + 5 + 3 + 2 + 3 + 3 + 11 + 1 + 1;
    assert_eq!(seen, 1 + 27 + below, "every command, and those of application to config");
}

#[tokio::test]
async fn arguments_that_cannot_be_understood_exit_with_2() {
    for arguments in ["bogus", "serve --lisen 1", "token", "send --app a", "receiver --status 99"] {
        let output = hookwright(arguments).run().await;
        assert_eq!(output.status.code(), Some(2), "{arguments}: {output:?}");
        assert_eq!(output.stdout, "");
    }
}

#[tokio::test]
async fn none_of_a_list_is_no_amount() {
    let mut lists = 0;
    let mut waiting = vec![String::new()];
    while let Some(command) = waiting.pop() {
        let help = succeeds(&hookwright(&format!("{command} --help"))).await;
        waiting.extend(commands_below(&help).iter().map(|name| format!("{command} {name}")));
        if !help.contains("--limit <N>") {
            continue;
        }
        lists += 1;
        for amount in ["0", "-1", "1.5", "many", "99999999999999999999", ""] {
            // Told before anything else, such as what is missing.
            let launch = hookwright(&command).arg(format!("--limit={amount}"));
            let output = launch.run().await;
            assert_eq!(output.status.code(), Some(2), "{command} {amount}: {output:?}");
            assert_eq!(output.stdout, "");
            let said = output.stderr.lines().next().unwrap_or_default();
            assert!(said.contains("--limit <N>"), "{command} {amount}: {said}");
            if !amount.is_empty() {
                assert!(said.ends_with("it must be a whole number, 1 or more"), "{command} {amount}: {said}");
            }
        }
    }
    assert_eq!(lists, 13, "lists, and what follows");
}

#[tokio::test]
async fn the_version_is_the_crate_s() {
    let version = succeeds(&hookwright("--version")).await;
    assert_eq!(version, format!("hookwright {}\n", env!("CARGO_PKG_VERSION")));
}
