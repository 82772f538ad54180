//! Runs a script of an SDK against a server.

use std::fs;
use std::path::{Path, PathBuf};

use hookwright_testkit::{Launch, Process};

use super::installed::{Ready, SCRIPTS};

pub(super) const TOKEN: &str = "for_the_tests_of_the_sdks";

/// A server that may call this machine, with a schedule of three attempts in all.
pub(super) struct Server {
    /// Kept, because it ends with it.
    _process: Process,
    pub(super) url: String,
}

impl Server {
    pub(super) async fn start() -> Server {
        let process = Launch::new(env!("CARGO_BIN_EXE_hookwright"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("HOOKWRIGHT_API_TOKEN", TOKEN)
            .env("HOOKWRIGHT_ALLOW_TARGET_NETWORKS", "127.0.0.0/8")
            .env("HOOKWRIGHT_RETRY_SCHEDULE", "100ms,200ms")
            .start();
        let line = process.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
        Server { url: line.trim_start_matches("listening: ").to_owned(), _process: process }
    }

    /// A start of `script` as the user of an SDK runs it, told of the server by the environment alone.
    pub(super) fn launch(&self, ready: &Ready, script: &Path) -> Launch {
        Launch::new(&ready.program)
            .arg(script)
            .env("HOOKWRIGHT_URL", &self.url)
            .env("HOOKWRIGHT_TOKEN", TOKEN)
            .env("PYTHONDONTWRITEBYTECODE", "1")
    }
}

impl Ready {
    /// Puts a script where it finds the SDK, and returns its path.
    pub(super) fn script(&self, name: &str, text: &str) -> PathBuf {
        fs::create_dir_all(&self.directory).unwrap();
        // Renamed into its place: another process may be reading the same script.
        let (path, new) =
            (self.directory.join(name), self.directory.join(format!("{name}.{}", std::process::id())));
        fs::write(&new, text).unwrap();
        fs::rename(new, &path).unwrap();
        path
    }

    /// Puts the committed scripts with this extension there.
    pub(super) fn scripts(&self, extension: &str) {
        for entry in fs::read_dir(SCRIPTS).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|given| given == extension) {
                let name = path.file_name().unwrap().to_str().unwrap();
                self.script(name, &fs::read_to_string(&path).unwrap());
            }
        }
    }
}

/// Runs it, and expects that it succeeds.
pub(super) async fn succeeds(launch: &Launch) -> String {
    let output = launch.run().await;
    assert!(output.status.success(), "{}\n{}", output.stdout, output.stderr);
    output.stdout
}
