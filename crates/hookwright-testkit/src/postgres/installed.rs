//! Where PostgreSQL's programs are, and the unprivileged user they run as: they refuse to be root.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs that tests run.
const NEEDED: [&str; 6] = ["initdb", "postgres", "pg_basebackup", "pg_dump", "pg_restore", "psql"];

/// The programs of one version.
pub(super) struct Installed {
    folder: PathBuf,
}

impl Installed {
    /// Those on the `PATH`, if one folder has all, or else the newest that Debian's packages put beside it.
    pub(super) fn find() -> Option<Installed> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .collect();
        versions.sort_unstable();
        folders.extend(versions.into_iter().rev().map(|(_, folder)| folder));
        let is_whole = |folder: &Path| NEEDED.iter().all(|program| folder.join(program).is_file());
        folders.into_iter().find(|folder| is_whole(folder)).map(|folder| Installed { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A user that is not root, to run as if we are root.
#[derive(Clone, Copy)]
pub(super) struct Unprivileged {
    user: u32,
    group: u32,
}

/// A command that runs a program, as a user that is not root.
pub(super) fn as_user(user: Option<Unprivileged>, program: &Path) -> Command {
    let mut command = match user {
        Some(user) => user.command(),
        None => Command::new("env"),
    };
    command.arg(program);
    command
}

impl Unprivileged {
    /// `None` if we are not root, and can run programs as who we are.
    pub(super) fn needed() -> Option<Unprivileged> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let ask = |flag: &str| {
            let output = Command::new("id").args([flag, "nobody"]).output().expect("id can be run");
            let text = String::from_utf8(output.stdout).expect("id prints a number");
            text.trim().parse().expect("there is a user nobody")
        };
        Some(Unprivileged { user: ask("-u"), group: ask("-g") })
    }

    /// Gives a file or a folder to the user.
    pub(super) fn own(self, path: &Path) {
        std::os::unix::fs::chown(path, Some(self.user), Some(self.group)).expect("root may give files away");
    }

    /// A command that runs what is added to it as the user.
    fn command(self) -> Command {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={}", self.user)).arg(format!("--regid={}", self.group));
        command.args(["--clear-groups", "--"]);
        command
    }
}
