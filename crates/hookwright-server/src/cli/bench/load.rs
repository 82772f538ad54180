//! Which process and which core was used up, so that one sees where the limit lies.

use std::time::Duration;

use serde::Serialize;

use super::BenchError;
use super::nodes::{Node, Nodes};
use super::postgres::{PostgresTime, Postmaster};
use super::report::{micros_each, per_second, rounded};
use super::usage::{CoreTime, CpuTime};

/// From this share on a core counts as used up: the rest are moments between two readings.
const USED_UP: f64 = 0.9;

/// CPU time that everything has used, at one moment.
pub(super) struct Reading {
    nodes: Vec<CpuTime>,
    /// Of this process, which is client and receiver.
    own: CpuTime,
    postgres: Option<PostgresTime>,
    cores: Vec<CoreTime>,
}

/// What was used between two readings.
pub(super) struct Used {
    pub(super) nodes: Vec<Duration>,
    pub(super) own: Duration,
    pub(super) postgres: Option<Duration>,
    /// Of each core the share of the time in which somebody used it.
    cores: Vec<(usize, f64)>,
}

/// What nodes did in one part.
pub(super) struct Work {
    /// From the first send until the last answer.
    pub(super) sending: Duration,
    /// From the first send until all was recorded.
    pub(super) took: Duration,
    /// Messages that each node accepted.
    pub(super) accepted: Vec<u64>,
    /// Deliveries that each node made.
    pub(super) delivered: Vec<u64>,
}

/// Who did how much, and with how much of the machine. Numbers of cores are CPU seconds in a second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct LoadFigures {
    /// From the first send until the last answer.
    pub(super) sending_seconds: f64,
    /// While they were sent.
    pub(super) accepted_per_second: f64,
    /// From the first send until all was recorded.
    pub(super) delivered_per_second: f64,
    /// CPU time of all nodes for a message, without PostgreSQL's.
    pub(super) nodes_cpu_us_per_message: f64,
    pub(super) nodes: Vec<NodeFigures>,
    /// All processes of PostgreSQL together, if it is on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) postgres_cores: Option<f64>,
    /// This process, which is client and receiver.
    pub(super) bench_cores: f64,
    pub(super) cores: Vec<CoreFigures>,
}

/// The same of one node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct NodeFigures {
    /// Counted from 1.
    pub(super) node: usize,
    /// The core that it was kept on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) core: Option<usize>,
    pub(super) accepted: u64,
    pub(super) accepted_per_second: f64,
    pub(super) delivered: u64,
    pub(super) delivered_per_second: f64,
    /// For each message that it accepted.
    pub(super) cpu_us_per_message: f64,
    pub(super) cores: f64,
}

/// A core of the machine, whoever used it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct CoreFigures {
    pub(super) core: usize,
    /// The share of the time in which it was not idle.
    pub(super) busy: f64,
}

impl Reading {
    /// What was used so far.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] if a process is gone.
    pub(super) fn now(nodes: &Nodes, postmaster: Option<Postmaster>) -> Result<Reading, BenchError> {
        Ok(Reading {
            nodes: nodes.cpu()?,
            own: CpuTime::of(std::process::id())?,
            postgres: postmaster.map(Postmaster::now).transpose()?,
            cores: CoreTime::of_all()?,
        })
    }

    /// What was used since `earlier`.
    pub(super) fn since(&self, earlier: &Reading) -> Used {
        let busy = |now: &CoreTime| {
            let before = earlier.cores.iter().find(|before| before.core == now.core)?;
            Some((now.core, now.busy_since(before)))
        };
        Used {
            nodes: self.nodes.iter().zip(&earlier.nodes).map(|(now, before)| now.since(before)).collect(),
            own: self.own.since(&earlier.own),
            postgres: self
                .postgres
                .as_ref()
                .zip(earlier.postgres.as_ref())
                .map(|(now, then)| now.since(then)),
            cores: self.cores.iter().filter_map(busy).collect(),
        }
    }
}

impl Used {
    /// By all nodes together.
    pub(super) fn by_nodes(&self) -> Duration {
        self.nodes.iter().sum()
    }
}

impl LoadFigures {
    /// The figures of what these nodes did and used.
    pub(super) fn of(nodes: &[Node], work: &Work, used: &Used) -> LoadFigures {
        let accepted: u64 = work.accepted.iter().sum();
        let cores = |cpu: Duration| share(cpu, work.took);
        let figures = nodes.iter().enumerate().map(|(index, node)| {
            let of = |counts: &[u64]| counts.get(index).copied().unwrap_or_default();
            let (accepted, delivered) = (of(&work.accepted), of(&work.delivered));
            let cpu = used.nodes.get(index).copied().unwrap_or_default();
            NodeFigures {
                node: index + 1,
                core: node.core.map(|core| core.number()),
                accepted,
                accepted_per_second: per_second(accepted, work.sending),
                delivered,
                delivered_per_second: per_second(delivered, work.took),
                cpu_us_per_message: micros_each(cpu, accepted),
                cores: cores(cpu),
            }
        });
        LoadFigures {
            sending_seconds: work.sending.as_secs_f64(),
            accepted_per_second: per_second(accepted, work.sending),
            delivered_per_second: per_second(work.delivered.iter().sum(), work.took),
            nodes_cpu_us_per_message: micros_each(used.by_nodes(), accepted),
            nodes: figures.collect(),
            postgres_cores: used.postgres.map(cores),
            bench_cores: cores(used.own),
            cores: used.cores.iter().map(|&(core, busy)| CoreFigures { core, busy: rounded(busy) }).collect(),
        }
    }

    /// What it says about the limit, in sentences.
    pub(super) fn limits(&self) -> Vec<String> {
        let is_used_up = |core: usize| self.cores.iter().any(|of| of.core == core && of.busy >= USED_UP);
        let mut limits = Vec::new();
        for figures in &self.nodes {
            match figures.core {
                Some(core) if figures.cores >= USED_UP => {
                    limits.push(format!("Node {} used up core {core}.", figures.node));
                }
                Some(core) if is_used_up(core) => limits.push(format!(
                    "Core {core} was used up, by node {} and by others: by it {:.0} %.",
                    figures.node,
                    figures.cores * 100.0
                )),
                Some(_) | None => {}
            }
        }
        if !self.cores.is_empty() && self.cores.iter().all(|core| core.busy >= USED_UP) {
            limits.push(
                "All cores of the machine were used up: nodes, PostgreSQL and the bench competed for them."
                    .to_owned(),
            );
        }
        if limits.is_empty() {
            limits.push(
                "No node used up a core: it waited for the disk, for PostgreSQL, or for more senders."
                    .to_owned(),
            );
        }
        limits
    }
}

fn share(cpu: Duration, took: Duration) -> f64 {
    if took.is_zero() { 0.0 } else { rounded(cpu.as_secs_f64() / took.as_secs_f64()) }
}

#[cfg(test)]
mod tests {
    use super::{CoreFigures, LoadFigures, NodeFigures};

    /// Nodes with the core of each and how much of it they used, and how busy the machine's cores were.
    fn load(nodes: &[(Option<usize>, f64)], busy: &[f64]) -> LoadFigures {
        let node = |(index, &(core, cores)): (usize, &(Option<usize>, f64))| NodeFigures {
            node: index + 1,
            core,
            accepted: 0,
            accepted_per_second: 0.0,
            delivered: 0,
            delivered_per_second: 0.0,
            cpu_us_per_message: 0.0,
            cores,
        };
        LoadFigures {
            sending_seconds: 1.0,
            accepted_per_second: 0.0,
            delivered_per_second: 0.0,
            nodes_cpu_us_per_message: 0.0,
            nodes: nodes.iter().enumerate().map(node).collect(),
            postgres_cores: None,
            bench_cores: 0.0,
            cores: busy.iter().enumerate().map(|(core, &busy)| CoreFigures { core, busy }).collect(),
        }
    }

    #[test]
    fn the_limit_is_told_from_who_used_which_core() {
        let alone = load(&[(Some(0), 0.95), (Some(1), 0.5)], &[0.97, 0.6, 0.5, 0.2]);
        assert_eq!(alone.limits(), ["Node 1 used up core 0."]);
        let shared = load(&[(Some(0), 0.55)], &[0.99, 0.6]);
        assert_eq!(shared.limits(), ["Core 0 was used up, by node 1 and by others: by it 55 %."]);
        let full = load(&[(None, 0.8)], &[0.99, 0.9]);
        assert!(full.limits()[0].starts_with("All cores of the machine were used up"), "{:?}", full.limits());
        let waiting = load(&[(None, 1.4), (Some(1), 0.4)], &[0.8, 0.7]);
        assert!(waiting.limits()[0].starts_with("No node used up a core"), "{:?}", waiting.limits());
    }
}
