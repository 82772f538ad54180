//! How a child process is started: program, arguments, environment, directory.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};

use super::{
    Process,
    lines::{Lines, Source},
};

/// What a child keeps of our environment: how to find programs and libraries, and what coverage tools need.
///
/// All else is removed, so that a developer's own settings never reach a test.
const INHERITED: [&str; 5] =
    ["PATH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"];

/// A recipe to start a program in a temporary directory of its own, as often as needed.
///
/// Clones and repeated starts share the directory, which lives as long as any of them: start again after a kill to
/// see what survived, or start a clone with other settings to have a second node.
#[derive(Clone)]
pub struct Launch {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Bytes,
    directory: Arc<TempDir>,
}

/// A program that ran to its end.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, lines ended with `\n`.
    pub stdout: String,
    /// Its standard error, lines ended with `\n`.
    pub stderr: String,
}

impl Launch {
    /// A start of `program`, for instance `env!("CARGO_BIN_EXE_hookwright")`, without arguments.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            input: Bytes::new(),
            directory: Arc::new(tempfile::tempdir().expect("a temporary directory can be made")),
        }
    }

    /// A start of another program in the same directory, without arguments.
    #[must_use]
    pub fn instead(mut self, program: impl AsRef<OsStr>) -> Self {
        self.program = program.as_ref().to_owned();
        self.arguments.clear();
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(self, argument: impl AsRef<OsStr>) -> Self {
        self.args([argument])
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable; the child has no others but those it needs to run at all.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets what it reads on standard input, which is empty otherwise.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Bytes>) -> Self {
        self.input = input.into();
        self
    }

    /// The directory in which it starts, and its `HOME`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// If the program cannot be started, or outside a tokio runtime.
    #[must_use]
    pub fn start(&self) -> Process {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(self.directory()).env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("HOME", self.directory()).envs(self.environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program.display()));

        let (mut stdin, input) = (child.stdin.take().expect("it is piped"), self.input.clone());
        tokio::spawn(async move {
            // A program may end without reading its input.
            let _ = stdin.write_all(&input).await;
        });
        let lines = Lines::default();
        lines.read(Source::Stdout, child.stdout.take().expect("it is piped"));
        lines.read(Source::Stderr, child.stderr.take().expect("it is piped"));
        Process { child, lines, directory: self.directory.clone() }
    }

    /// Starts it and waits until it ended.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start) and [`Process::wait_exit`].
    pub async fn run(&self) -> Output {
        let mut process = self.start();
        let status = process.wait_exit().await;
        let printed = |source| {
            let lines = process.lines().into_iter().filter(|line| line.source == source);
            lines.map(|line| line.text + "\n").collect()
        };
        Output { status, stdout: printed(Source::Stdout), stderr: printed(Source::Stderr) }
    }
}
