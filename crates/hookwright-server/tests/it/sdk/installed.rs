//! Installs the official SDKs, and what receivers in other languages use, below the target directory, once per checkout and set of versions.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What says which versions are wanted, and the programs that the checks are made of.
pub(super) const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk");

/// The example of a receiver on Django.
pub(super) const DJANGO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/django-receiver");

/// A version of a client that the tests run, or what a receiver needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sdk {
    /// Python, 2.x.
    Python,
    /// JavaScript 1.x, which a plain install on Node 20 takes.
    Node1,
    /// JavaScript 2.x.
    Node2,
    /// What the example on Django says it needs.
    Django,
}

impl Sdk {
    /// The directory in which scripts of this SDK run, and the program that runs them, once it is installed.
    ///
    /// `None` if this machine has no Python or no Node, which is said; where everything must be tested, that fails.
    pub(super) async fn ready(self) -> Option<Ready> {
        let installed = tokio::task::spawn_blocking(move || self.install()).await.unwrap();
        if installed.is_none() {
            let tool = self.tool();
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "the tests need {tool}, which is not there"
            );
            println!("skipped: no {tool}");
        }
        installed
    }

    fn tool(self) -> &'static str {
        match self {
            Sdk::Python | Sdk::Django => "python3",
            Sdk::Node1 | Sdk::Node2 => "node",
        }
    }

    fn install(self) -> Option<Ready> {
        let found = Command::new(self.tool()).arg("--version").stdout(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            return None;
        }
        match self {
            Sdk::Python | Sdk::Django => {
                let (kind, folder) = match self {
                    Sdk::Django => ("django", DJANGO),
                    _ => ("python", SCRIPTS),
                };
                let wanted = Path::new(folder).join("requirements.txt");
                let place = place(kind, &wanted, |place| {
                    run(Command::new("python3").args(["-m", "venv", "."]).current_dir(place));
                    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
                    run(Command::new(place.join("bin/python")).args(install).arg(&wanted));
                });
                Some(Ready { program: place.join("bin/python"), directory: place.join("scripts") })
            }
            Sdk::Node1 | Sdk::Node2 => {
                let wanted = Path::new(SCRIPTS).join("package.json");
                let place = place("node", &wanted, |place| {
                    fs::copy(&wanted, place.join("package.json")).unwrap();
                    let install = ["install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"];
                    run(Command::new("npm").args(install).current_dir(place));
                });
                let (name, directory) = match self {
                    Sdk::Node1 => ("svix-1", place.join("scripts-1")),
                    _ => ("svix-2", place.join("scripts-2")),
                };
                // Both are installed under other names, so that they stand side by side; a script says `svix`.
                let link = directory.join("node_modules/svix");
                fs::create_dir_all(directory.join("node_modules")).unwrap();
                match std::os::unix::fs::symlink(place.join("node_modules").join(name), link) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => panic!("no link: {error}"),
                    _ => {}
                }
                Some(Ready { program: "node".into(), directory })
            }
        }
    }
}

/// What runs scripts of an SDK.
pub(super) struct Ready {
    /// The interpreter.
    pub(super) program: PathBuf,
    /// Where a script must stand to find the SDK.
    pub(super) directory: PathBuf,
}

/// The directory of a kind of SDK, in which `install` has run for what the file `wanted` says now.
fn place(kind: &str, wanted: &Path, install: impl FnOnce(&Path)) -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk");
    fs::create_dir_all(&all).unwrap();
    // Tests run at the same time, in this process and in others.
    let lock = File::create(all.join(format!("{kind}.lock"))).unwrap();
    lock.lock().unwrap();
    let (place, stamp) = (all.join(kind), all.join(format!("{kind}.installed")));
    let versions = fs::read_to_string(wanted).unwrap();
    // The path too: an environment of Python does not survive being moved.
    let versions = format!("{}\n{versions}", place.display());
    if fs::read_to_string(&stamp).ok().as_deref() != Some(&versions) {
        match fs::remove_dir_all(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("cannot clear {kind}: {error}"),
            _ => {}
        }
        fs::create_dir_all(&place).unwrap();
        install(&place);
        fs::write(stamp, versions).unwrap();
    }
    place
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?} failed: {output:?}");
}
