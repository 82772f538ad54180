//! A PostgreSQL server in a temporary directory, which goes when its [`Cluster`] does, or when the test process ends.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::installed::{Installed, Unprivileged, as_user};
use super::ready;
use crate::{Authority, Leaf, free_port};

/// Runs the server, and waits for a word on its input: a signal's name stops the server and leaves its files. The end of the
/// input, which is also the end of the test process however it ended, stops it and removes them.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null &
pid=$!
if read -r signal <&3; then
    kill -"$signal" $pid
    wait $pid
else
    kill -QUIT $pid
    wait $pid
    rm -rf "$FOLDER"
fi
echo "the supervisor has ended" >&2
"#;

/// The line that says that clients may come, to a replica those that only read.
const READY: &str = "database system is ready to accept";

/// A PostgreSQL server of our own, on a loopback port.
pub struct Cluster {
    installed: Installed,
    user: Option<Unprivileged>,
    folder: PathBuf,
    port: u16,
    /// Beside those that all have, as `name=value`.
    settings: Vec<String>,
    running: Mutex<Option<Running>>,
}

struct Running {
    supervisor: Child,
    /// Closing it ends the server.
    input: ChildStdin,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Clients are cut off, and what is committed is written out (`pg_ctl stop -m fast`).
    Fast,
    /// As in a crash (`pg_ctl stop -m immediate`).
    Immediate,
}

impl Cluster {
    /// Makes a cluster and starts its server; `None` where no PostgreSQL is installed.
    pub(super) fn start() -> Option<Cluster> {
        let cluster = Cluster::empty()?;
        cluster.initialise();
        cluster.start_again();
        Some(cluster)
    }

    /// One whose server takes TLS, and shows this certificate.
    pub(super) fn start_tls(authority: &Authority, leaf: Leaf) -> Option<Cluster> {
        let mut cluster = Cluster::empty()?;
        cluster.initialise();
        let (certificate, key) = authority.issued(leaf);
        for (name, setting, pem) in
            [("server.crt", "ssl_cert_file", certificate), ("server.key", "ssl_key_file", key)]
        {
            let path = cluster.folder.join(name);
            std::fs::write(&path, pem).expect("the folder can be written");
            // It refuses a key that others may read.
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the file is ours");
            if let Some(user) = cluster.user {
                user.own(&path);
            }
            cluster.settings.push(format!("{setting}={}", path.display()));
        }
        cluster.settings.push("ssl=on".to_owned());
        cluster.start_again();
        Some(cluster)
    }

    /// A read-only replica of this cluster, which follows it as long as both run.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    #[must_use]
    pub fn replica(&self) -> Cluster {
        let replica = Cluster::empty().expect("this one was found");
        let mut backup = replica.as_user(self.installed.program("pg_basebackup"));
        backup.arg("--pgdata").arg(replica.data()).arg("--dbname").arg(self.url("postgres"));
        // Starting from here it is `standby.signal` that makes it a replica, and where its primary is.
        backup.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
        let output = backup.output().expect("pg_basebackup can be started");
        assert!(
            output.status.success(),
            "pg_basebackup failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        replica.start_again();
        replica
    }

    /// The folder with the programs of its version, such as `psql` and `pg_dump`.
    #[must_use]
    pub fn programs(&self) -> &Path {
        self.installed.folder()
    }

    /// A folder for a cluster, with nothing in it.
    fn empty() -> Option<Cluster> {
        let installed = Installed::find()?;
        let user = Unprivileged::needed();
        let folder = tempfile::Builder::new().prefix("hookwright-postgres-").tempdir();
        // Kept beyond this value: the supervisor removes it, also when this process is killed.
        let folder = folder.expect("a temporary directory can be made").keep();
        if let Some(user) = user {
            user.own(&folder);
        }
        let (port, settings, running) = (free_port(), Vec::new(), Mutex::new(None));
        Some(Cluster { installed, user, folder, port, settings, running })
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The loopback port it listens on, also while it is stopped.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server, whose files stay.
    pub fn stop(&self, how: Stop) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut running) = running else { return };
        let signal = match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        };
        writeln!(running.input, "{signal}").expect("the supervisor reads");
        running.supervisor.wait().expect("the supervisor ends with the server");
    }

    /// Starts a stopped server; it takes connections when this returns.
    pub fn start_again(&self) {
        let mut command = self.as_user("/bin/sh");
        command.args(["-c", SUPERVISOR, "supervisor"]).arg(self.installed.program("postgres"));
        command.arg("-D").arg(self.data());
        command.args([
            "-p",
            &self.port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=1500",
        ]);
        command.arg("-c").arg(format!("unix_socket_directories={}", self.folder.display()));
        command.args(self.settings.iter().flat_map(|setting| ["-c", setting]));
        command.env("FOLDER", &self.folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut supervisor = command.spawn().expect("a shell can be started");
        let input = supervisor.stdin.take().expect("its input is ours");
        let errors = supervisor.stderr.take().expect("its errors are ours");
        // Clients that come too early are refused with a line of that kind too.
        let has_failed = |line: &str| line.contains("FATAL:") && !line.contains("the database system is");
        ready::wait("PostgreSQL", errors, READY, has_failed);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = Some(Running { supervisor, input });
    }

    fn initialise(&self) {
        let mut initdb = self.as_user(self.installed.program("initdb"));
        initdb.arg("-D").arg(self.data());
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let output = initdb.output().expect("initdb can be started");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb failed:\n{errors}");
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A command in the cluster's folder, as a user that is not root.
    fn as_user(&self, program: impl AsRef<Path>) -> Command {
        let mut command = as_user(self.user, program.as_ref());
        command.current_dir(&self.folder);
        // Settings of the developer's own.
        for name in ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGOPTIONS"] {
            command.env_remove(name);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        match running {
            Some(Running { mut supervisor, input }) => {
                drop(input);
                // It ends once the server has.
                let _ = supervisor.wait();
            }
            None => {
                let _ = std::fs::remove_dir_all(&self.folder);
            }
        }
    }
}
