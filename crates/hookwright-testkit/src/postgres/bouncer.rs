//! PgBouncer between clients and a cluster, from the installed program.

use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};

use tempfile::TempDir;

use super::cluster::Cluster;
use super::installed::{Unprivileged, as_user};
use super::{Database, PGBOUNCER, ready, skipped};
use crate::free_port;

/// Runs it until the input ends, which is also the end of the test process however it ended.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null &
pid=$!
read -r nothing <&3
kill -TERM $pid
wait $pid
"#;

/// The line of its log that says that clients may come.
const READY: &str = "process up";

/// A running PgBouncer. Dropping it ends it.
pub struct Bouncer {
    port: u16,
    supervisor: Child,
    /// Closing it ends the program.
    input: Option<ChildStdin>,
    _folder: TempDir,
}

/// Starts PgBouncer in front of a cluster, with these lines in the section `[pgbouncer]` of its configuration. Where it is not
/// installed this says so, and answers `None`, or panics with `CI=true`, as of [`database`](super::database).
pub fn bouncer(cluster: &Cluster, settings: &str) -> Option<Bouncer> {
    let Some(program) = find() else {
        skipped(PGBOUNCER);
        return None;
    };
    let (port, user) = (free_port(), Unprivileged::needed());
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let users = folder.path().join("users");
    let configuration = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = trust\nauth_file = {}\n{settings}\n",
        cluster.port(),
        users.display()
    );
    let file = folder.path().join("pgbouncer.ini");
    std::fs::write(&users, "\"postgres\" \"\"\n").expect("the folder can be written");
    std::fs::write(&file, configuration).expect("the folder can be written");
    if let Some(user) = user {
        for path in [folder.path(), &users, &file] {
            user.own(path);
        }
    }
    let mut command = as_user(user, "/bin/sh".as_ref());
    command.args(["-c", SUPERVISOR, "supervisor"]).arg(program).arg(&file);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut supervisor = command.spawn().expect("a shell can be started");
    let input = supervisor.stdin.take();
    let errors = supervisor.stderr.take().expect("its errors are ours");
    ready::wait("PgBouncer", errors, READY, |line| line.contains("FATAL"));
    Some(Bouncer { port, supervisor, input, _folder: folder })
}

impl Bouncer {
    /// The same database by way of this.
    ///
    /// # Panics
    ///
    /// If it is not on a cluster of ours.
    #[must_use]
    pub fn before(&self, database: &Database) -> Database {
        database.at(self.port).1
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends once the program has.
        let _ = self.supervisor.wait();
    }
}

/// On the `PATH`, or where Debian's package puts it, which is not on the `PATH` of all users.
fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    folders.into_iter().map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}
