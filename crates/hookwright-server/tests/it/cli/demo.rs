//! `hookwright demo`: its verdict, its length, and that it leaves nothing behind.

use hookwright_testkit::{Launch, Process, Source};

/// A screen that nobody has to scroll.
const LINES_MAX: usize = 40;

#[tokio::test]
async fn the_demo_shows_three_acts_and_loses_nothing() {
    let output = demo(&["--once"]).run().await;

    assert!(output.status.success(), "{output:?}");
    let verdict = output.stdout.lines().last().unwrap_or_default().trim();
    assert!(verdict.starts_with("accepted 1,000 · arrived 1,000 · duplicates "), "{}", output.stdout);
    assert!(verdict.ends_with(" · lost 0"), "{verdict}");
    for expected in ["webhook-signature", "verified:", "attempt 1", "attempt 3", "SIGKILL", "started again"] {
        assert!(output.stdout.contains(expected), "no {expected} in:\n{}", output.stdout);
    }
    assert!(output.stdout.lines().count() <= LINES_MAX, "{}", output.stdout);
    assert!(!output.stdout.contains('\u{1b}'), "colours though nobody looks");
    assert_eq!(output.stderr, "");
}

#[tokio::test]
async fn the_verdict_comes_as_json_for_programs() {
    let output = demo(&["--messages", "50", "--json"]).run().await;

    assert!(output.status.success(), "{output:?}");
    let verdict: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&verdict["accepted"], &verdict["arrived"]), (&50.into(), &50.into()));
    assert_eq!(verdict["lost"], 0);
}

#[tokio::test]
async fn the_lines_to_copy_work_and_an_interrupt_removes_everything() {
    let launch = demo(&["--messages", "20"]);
    let mut demo = launch.start();
    demo.wait_for_line(|line| line.contains("It arrives here"), "the invitation").await;
    let page = demo.wait_for_line(|line| line.trim().starts_with("page "), "the page's link").await;
    assert!(page.contains("http://127.0.0.1:") && page.contains("/login/"), "{page}");

    for (program, shown) in [("curl ", r#"{"from":"curl"}"#), ("python3 ", r#"{"from": "Python"}"#)] {
        let copied = demo.wait_for_line(|line| line.starts_with(program), program).await;
        let answer = Launch::new("sh").args(["-c", &copied]).run().await;
        assert!(answer.status.success() && answer.stdout.contains("msg_"), "{copied}: {answer:?}");
        demo.wait_for_line(|line| line.contains(shown), shown).await;
    }
    demo.wait_for_line(|line| line.trim().starts_with("verified  "), "a verified webhook").await;

    let server = demo.wait_for_line(|line| line.starts_with("curl "), "the server's address").await;
    demo.interrupt();
    assert!(demo.wait_exit().await.success(), "{:?}", demo.lines());
    assert_eq!(errors(&demo), Vec::<String>::new());
    let left: Vec<_> = std::fs::read_dir(launch.directory()).unwrap().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert!(!answers(&server).await, "the server outlives the demo");
}

fn demo(arguments: &[&str]) -> Launch {
    let launch = Launch::new(env!("CARGO_BIN_EXE_hookwright")).arg("demo").args(arguments);
    let directory = launch.directory().to_owned();
    // What a developer has set must not reach the demo's server.
    launch.env("TMPDIR", directory).env("HOOKWRIGHT_DATABASE_URL", "sqlite:///nowhere/else.db")
}

fn errors(process: &Process) -> Vec<String> {
    let lines = process.lines().into_iter();
    lines.filter(|line| line.source == Source::Stderr).map(|line| line.text).collect()
}

/// Whether anybody listens at the first URL of a line.
async fn answers(line: &str) -> bool {
    let url = line.split(' ').find_map(|word| word.strip_prefix("http://")).expect("a URL");
    let address = url.split('/').next().expect("its address");
    tokio::net::TcpStream::connect(address).await.is_ok()
}
