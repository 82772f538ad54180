//! A real Chromium without a window, driven over the DevTools protocol on a pair of pipes.
//!
//! The protocol: <https://chromedevtools.github.io/devtools-protocol/>; over `--remote-debugging-pipe` each message is JSON
//! with a zero byte behind it, read by the browser from its file descriptor 3 and written to 4.

use std::process::Stdio;

use hookwright_testkit::DEADLINE;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Puts the two ends of the pipe where the browser looks for them.
const LAUNCH: &str = r#"exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

const ARGUMENTS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--lang=en",
    "--remote-debugging-pipe",
];

/// A browser with one page open.
pub(super) struct Browser {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Value,
    last_id: u64,
    _process: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser; `None` if there is none on this machine, which is an error where `CI` says that all is there.
    pub(super) async fn start() -> Option<Browser> {
        let found = Command::new("chromium")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await
            .is_ok_and(|status| status.success());
        if !found {
            assert!(std::env::var_os("CI").is_none(), "chromium must be installed where CI is set");
            println!("skipped: no chromium");
            return None;
        }
        let profile = TempDir::new().unwrap();
        let mut process = Command::new("sh")
            .args(["-c", LAUNCH, "chromium"])
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut browser = Browser {
            to: process.stdin.take().unwrap(),
            from: BufReader::new(process.stdout.take().unwrap()),
            session: Value::Null,
            last_id: 0,
            _process: process,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        browser.session = browser.call("Target.attachToTarget", attach).await["sessionId"].clone();
        Some(browser)
    }

    /// Goes to `url`; it may still be loading when this returns.
    pub(super) async fn open(&mut self, url: &str) {
        let opened = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
    }

    /// Runs a JavaScript expression in the page, and waits for it if it is a promise.
    pub(super) async fn evaluate(&mut self, expression: &str) -> Value {
        let what = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", what).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until a JavaScript expression holds in the page that is then open.
    pub(super) async fn until(&mut self, expression: &str) {
        let question = json!({ "expression": format!("Boolean({expression})"), "returnByValue": true });
        hookwright_testkit::eventually(expression, async || {
            let answer = self.call("Runtime.evaluate", question.clone()).await;
            if answer["result"]["value"] == true { Ok(()) } else { Err(answer) }
        })
        .await;
    }

    /// From the next page on, none runs its scripts.
    pub(super) async fn without_scripts(&mut self) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// One command and its answer; events in between are passed over. `null` if it failed, as it does while one page
    /// gives way to another.
    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": params });
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        let mut bytes = serde_json::to_vec(&command).unwrap();
        bytes.push(0);
        self.to.write_all(&bytes).await.unwrap();
        let answer = timeout(DEADLINE, async {
            loop {
                let mut bytes = Vec::new();
                self.from.read_until(0, &mut bytes).await.unwrap();
                assert_eq!(bytes.pop(), Some(0), "the browser is gone");
                let answer: Value = serde_json::from_slice(&bytes).unwrap();
                if answer["id"] == self.last_id {
                    return answer;
                }
            }
        });
        let answer = answer.await.unwrap_or_else(|_| panic!("no answer to {method}"));
        answer["result"].clone()
    }
}
