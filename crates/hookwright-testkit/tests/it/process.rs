//! Child processes, with a shell as the child.

use std::os::unix::process::ExitStatusExt;

use hookwright_testkit::{Launch, Source, eventually, free_port};

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

fn shell(script: &str) -> Launch {
    Launch::new("/bin/sh").args(["-c", script])
}

#[tokio::test]
async fn lines_of_both_outputs_are_found() {
    let mut process = shell("echo one; echo two >&2; exec sleep 1000").start();
    assert_eq!(process.wait_for_line(|line| line.starts_with("tw"), "the second line").await, "two");
    assert_eq!(process.wait_for_line(|line| line == "one", "the first line").await, "one");
    let errors: Vec<_> = process.lines().into_iter().filter(|line| line.source == Source::Stderr).collect();
    assert_eq!(errors.len(), 1);
    process.kill9().await;
}

#[tokio::test]
async fn a_process_that_ends_without_the_line_fails_the_wait_with_what_it_printed() {
    let process = shell("echo only this").start();
    let waited = tokio::spawn(async move { process.wait_for_line(|_| false, "a greeting").await });
    let message = *waited.await.unwrap_err().into_panic().downcast::<String>().unwrap();
    assert_eq!(message, "the process ended without a greeting; it printed 1 lines\n  Stdout: only this");
}

#[tokio::test]
async fn terminating_lets_the_process_end_in_its_own_way() {
    let script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do read -r line < fifo; done";
    let mut process = shell(&format!("mkfifo fifo; {script}")).start();
    process.wait_for_line(|line| line == "ready", "readiness").await;
    process.terminate();
    assert_eq!(process.wait_exit().await.code(), Some(7));
    assert_eq!(process.lines().last().unwrap().text, "bye");
    // Nobody is there any more, so this reaches nobody.
    process.terminate();
    assert_eq!(process.id(), None);
}

#[tokio::test]
async fn killing_leaves_no_last_word() {
    let mut process = shell("trap 'echo bye' TERM EXIT; echo ready; read -r line < /dev/zero").start();
    process.wait_for_line(|line| line == "ready", "readiness").await;
    let status = process.kill9().await;
    assert_eq!(status.signal(), Some(SIGKILL));
    assert_eq!(process.lines().len(), 1);
}

#[tokio::test]
async fn a_frozen_process_runs_on_once_thawed() {
    let mut process = shell("echo ready; exec sleep 1000").start();
    process.wait_for_line(|line| line == "ready", "readiness").await;
    process.freeze();
    // A stopped process keeps a signal until it runs again.
    process.terminate();
    process.thaw();
    assert_eq!(process.wait_exit().await.signal(), Some(SIGTERM));
}

#[tokio::test]
async fn dropping_kills() {
    let process = shell("echo ready; exec sleep 1000").start();
    process.wait_for_line(|line| line == "ready", "readiness").await;
    let id = rustix::process::Pid::from_raw(process.id().unwrap().cast_signed()).unwrap();
    drop(process);
    eventually("the child to be gone", async || match rustix::process::test_kill_process(id) {
        Ok(()) => Err("alive"),
        Err(_) => Ok(()),
    })
    .await;
}

#[tokio::test]
async fn a_second_start_finds_what_the_first_one_left() {
    let launch = shell("cat kept 2>/dev/null || echo nothing; pwd > kept");
    let directory = launch.directory().canonicalize().unwrap();
    assert_eq!(launch.run().await.stdout, "nothing\n");
    assert_eq!(launch.run().await.stdout, format!("{}\n", directory.display()));
    drop(launch);
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_child_sees_the_given_environment_and_none_of_ours() {
    let launch = shell("env").env("GIVEN", "set");
    let output = launch.run().await.stdout;
    let home = launch.directory().display().to_string();
    assert!(output.contains("GIVEN=set\n") && output.contains(&format!("HOME={home}\n")), "{output}");
    // The shell sets the first few itself.
    let known = ["PWD", "OLDPWD", "SHLVL", "_", "GIVEN", "HOME"];
    let inherited =
        ["PATH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"];
    for (name, _) in output.lines().filter_map(|line| line.split_once('=')) {
        assert!(known.contains(&name) || inherited.contains(&name), "{name} came through");
    }
}

#[tokio::test]
async fn a_command_reads_its_input_and_reports_its_end() {
    let output = shell("cat; echo oops >&2; exit 3").stdin("given\n").run().await;
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("given\n", "oops\n"));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_port_is_given_once() {
    let mut ports: Vec<_> = (0..100).map(|_| free_port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 100);
}
