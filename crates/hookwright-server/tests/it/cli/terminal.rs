//! What a person at a terminal sees, and is asked.

use hookwright_testkit::{Launch, Receiver};

use super::served::Served;
use super::succeeds;

/// Runs a program at a terminal of its own, which is 200 columns wide, and passes on what is typed.
pub(crate) const AT_A_TERMINAL: &str = "
import fcntl, os, pty, struct, sys, termios
def read(terminal):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 50, 200, 0, 0))
    return os.read(terminal, 65536)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))
";

/// A command at a terminal, where `typed` is typed.
fn at_a_terminal(server: &Served, arguments: &str, typed: &'static str) -> Launch {
    let binary = env!("CARGO_BIN_EXE_hookwright");
    let python = server.command("").instead("python3").args(["-c", AT_A_TERMINAL, binary]);
    python.args(arguments.split_whitespace()).stdin(typed).env("TERM", "xterm")
}

/// The lines that it shows, without the white space around them.
async fn shown(server: &Served, arguments: &str) -> Vec<String> {
    let printed = succeeds(&at_a_terminal(server, arguments, "")).await;
    printed.lines().map(|line| line.trim().to_owned()).collect()
}

#[tokio::test]
async fn lists_are_tables_and_single_things_stand_below_each_other() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    server.acme(&receiver).await;
    let message = server.send("a.b").await;
    let attempt = server.attempts(&message, 1).await.remove(0);

    let list = shown(&server, &format!("message attempts --app acme {message}")).await;
    assert!(list[0].starts_with("ID ") && list[0].contains(" STATUS "), "{list:?}");
    assert!(list[1].starts_with(&format!("{attempt}  {message}  ep_")), "ids stay in one piece: {list:?}");
    let tabs = shown(&server, &format!("message attempts --app acme {message} --tsv")).await;
    assert!(tabs[0].starts_with("ID\tMESSAGE\t"), "{tabs:?}");

    let one = shown(&server, &format!("message get --app acme {message}")).await;
    assert_eq!(one[0].split_whitespace().collect::<Vec<&str>>(), ["ID", message.as_str()]);
    let payload = one.iter().position(|line| line == "PAYLOAD").unwrap();
    assert_eq!(one[payload + 1..], ["{", "\"n\": 1", "}"]);

    server.send("a.c").await;
    let cut = shown(&server, "message list --app acme --limit 1").await;
    assert_eq!(cut.last().unwrap(), "There are more: --all shows all.");
}

#[tokio::test]
async fn what_cannot_be_undone_is_asked_about() {
    let server = Served::start().await;
    server.text("application create acme").await;
    let refused = at_a_terminal(&server, "application delete acme", "n\n").run().await;
    let asked = "This will delete the application acme with its endpoints and messages. Go on? [y/N]";
    assert!(
        refused.stdout.contains(asked) && refused.stdout.contains("error: Nothing was done."),
        "{refused:?}"
    );
    assert_eq!(server.lines("application list").await.cell("UID"), "acme");
    let agreed = at_a_terminal(&server, "application delete acme", "y\n").run().await;
    assert!(agreed.stdout.contains("Deleted the application acme."), "{agreed:?}");
    assert!(server.lines("application list").await.column("UID").is_empty());
}

#[tokio::test]
async fn a_background_task_is_followed_with_a_bar() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    server.acme(&receiver).await;
    let printed =
        succeeds(&at_a_terminal(&server, "recover --app acme --endpoint main --since 1h", "")).await;
    assert!(printed.contains("  0 sent  ") && printed.contains("finished"), "{printed}");
}

#[tokio::test]
async fn a_replay_counts_what_it_has_sent() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    server.acme(&receiver).await;
    for event_type in ["a.b", "a.b", "a.c"] {
        server.send(event_type).await;
    }
    receiver.wait_for(3).await;
    let command = "replay --app acme --endpoint main --since 1h --event-type a.b";
    let printed = succeeds(&at_a_terminal(&server, command, "")).await;
    assert!(printed.contains(" sent  "), "a bar: {printed}");
    let sent = printed.lines().any(|line| line.split_whitespace().eq(["SENT", "2"]));
    assert!(sent && printed.contains("finished"), "{printed}");
    receiver.wait_for(5).await;
}
