//! Runs a script of an SDK against a server.

use std::fs;
use std::path::{Path, PathBuf};

use hookwright_testkit::Launch;

use super::installed::{Ready, SCRIPTS};
use crate::live::{Live, TOKEN, launch};

/// A server with a schedule of three attempts in all.
pub(super) async fn server() -> Live {
    Live::start(&launch("100ms,200ms")).await
}

impl Ready {
    /// A start of `script` as the user of an SDK runs it, told of the server by the environment alone.
    pub(super) fn launch(&self, server: &Live, script: &Path) -> Launch {
        Launch::new(&self.program)
            .arg(script)
            .env("HOOKWRIGHT_URL", &server.url)
            .env("HOOKWRIGHT_TOKEN", TOKEN)
            .env("PYTHONDONTWRITEBYTECODE", "1")
    }

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
