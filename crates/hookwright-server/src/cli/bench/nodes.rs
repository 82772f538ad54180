//! The servers that are measured: one, or several nodes on one database.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::super::rig::{Api, ChildServer, Core, RigError, ServerSetup};
use super::BenchError;
use super::args::BenchArgs;
use super::count::Count;
use super::usage::{CpuTime, Memory};

/// All servers of a measurement; the first is asked for whatever one of them can answer. Dropping it kills them.
pub(super) struct Nodes {
    /// Never empty.
    nodes: Vec<Node>,
    first: ChildServer,
    /// From the start of their processes until all had said that they were ready.
    started_in: Duration,
    /// Why they are not kept on a core each, though that was asked for.
    not_pinned: Option<String>,
    _others: Vec<ChildServer>,
}

/// One of them.
pub(super) struct Node {
    process: u32,
    api: Api,
    /// The core that it is kept on.
    pub(super) core: Option<Core>,
}

impl Nodes {
    /// Starts as many as are asked for, all at once, and returns when all are ready. The first has its files in `directory`, the
    /// others each in one below it.
    ///
    /// # Errors
    ///
    /// If one does not start.
    pub(super) async fn start(
        args: &BenchArgs,
        directory: &Path,
        setup: ServerSetup,
    ) -> Result<Nodes, BenchError> {
        let mut setups = vec![setup];
        while setups.len() < args.node_count() {
            let own = directory.join(format!("node-{}", setups.len() + 1));
            fs::create_dir_all(&own)
                .map_err(|source| RigError::Io { what: "make a directory for a node", source })?;
            let next = setups[0].beside(&own)?;
            // A port that was free a moment ago may be given out once more.
            if setups.iter().all(|setup| setup.url() != next.url()) {
                setups.push(next);
            }
        }
        let cores: std::io::Result<Vec<Core>> =
            if args.pin { (0..setups.len()).map(Core::in_turn).collect() } else { Ok(Vec::new()) };
        let not_pinned = cores.as_ref().err().map(ToString::to_string);
        let cores = cores.unwrap_or_default();
        for (setup, core) in setups.iter_mut().zip(&cores) {
            *setup = setup.clone().on(*core);
        }

        let starting = Instant::now();
        let mut servers = try_join_all(setups.iter().map(ServerSetup::start)).await?;
        let started_in = starting.elapsed();
        let mut nodes = Vec::with_capacity(servers.len());
        for (number, server) in servers.iter().enumerate() {
            let process = server.process_id().ok_or_else(|| RigError::Io {
                what: "watch the server, which has ended",
                source: std::io::ErrorKind::NotFound.into(),
            })?;
            nodes.push(Node { process, api: server.api().clone(), core: cores.get(number).copied() });
        }
        let first = servers.remove(0);
        Ok(Nodes { nodes, first, started_in, not_pinned, _others: servers })
    }

    /// The first of them.
    pub(super) fn first(&self) -> &ChildServer {
        &self.first
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> &[Node] {
        &self.nodes
    }

    /// Clients of all of them, in order.
    pub(super) fn apis(&self) -> Vec<Api> {
        self.nodes.iter().map(|node| node.api.clone()).collect()
    }

    /// How long it took until all were ready.
    pub(super) fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Why they are not kept on a core each, though that was asked for.
    pub(super) fn not_pinned(&self) -> Option<&str> {
        self.not_pinned.as_deref()
    }

    /// CPU time that each has used so far.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] if one is gone.
    pub(super) fn cpu(&self) -> Result<Vec<CpuTime>, BenchError> {
        self.nodes.iter().map(|node| CpuTime::of(node.process)).collect()
    }

    /// Memory now: of several nodes that of the one which has the most, and the most that any ever had.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] if one is gone.
    pub(super) fn memory(&self) -> Result<Memory, BenchError> {
        let mut most = Memory::of(self.nodes[0].process)?;
        for node in &self.nodes[1..] {
            let memory = Memory::of(node.process)?;
            most.resident = most.resident.max(memory.resident);
            most.peak = most.peak.max(memory.peak);
        }
        Ok(most)
    }

    /// What each of them counts; one that says nothing counts as 0, and all that do as nothing.
    ///
    /// # Errors
    ///
    /// If one gives no metrics.
    pub(super) async fn counts(&self, count: Count) -> Result<Option<Vec<u64>>, RigError> {
        let counts = try_join_all(self.nodes.iter().map(|node| count.now(&node.api))).await?;
        let any = counts.iter().any(Option::is_some);
        Ok(any.then(|| counts.into_iter().map(Option::unwrap_or_default).collect()))
    }
}
