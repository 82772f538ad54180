//! CPU time of a PostgreSQL server on this machine: of all its processes, as Linux tells them (proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use hookwright::ServerSession;

use super::BenchError;
use super::usage::{CpuTime, Stat};

/// The process that all others of a PostgreSQL server are children of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Postmaster {
    process: u32,
}

/// CPU time that a server has used, at one moment.
#[derive(Debug, Clone)]
pub(super) struct PostgresTime {
    /// Of the postmaster and its children that live: sessions, the writer of the log, the checkpointer and others.
    processes: BTreeMap<u32, CpuTime>,
    /// Of all children that have ended.
    ended: Duration,
}

impl Postmaster {
    /// That of the server with this session; `None` if it is not on this machine, or not in our namespace of processes.
    pub(super) fn of(session: ServerSession) -> Option<Postmaster> {
        let title = fs::read_to_string(format!("/proc/{}/cmdline", session.process)).ok()?;
        // Else that number is somebody else's here: `postgres: user database 127.0.0.1(42042) idle`.
        let client = session.client_port.map_or_else(|| "[local]".to_owned(), |port| format!("({port})"));
        if !title.starts_with("postgres") || !title.contains(&client) {
            return None;
        }
        Stat::of(session.process).ok().map(|stat| Postmaster { process: stat.parent })
    }

    /// What its server has used so far.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] if it is gone.
    pub(super) fn now(self) -> Result<PostgresTime, BenchError> {
        let path = "/proc".to_owned();
        let entries = fs::read_dir(&path).map_err(|source| BenchError::Usage { path, source })?;
        let mut processes = BTreeMap::from([(self.process, CpuTime::of(self.process)?)]);
        for entry in entries.flatten() {
            let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // One that ends meanwhile is counted with those that have ended, or the next time.
            if Stat::of(process).is_ok_and(|stat| stat.parent == self.process)
                && let Ok(time) = CpuTime::of(process)
            {
                processes.insert(process, time);
            }
        }
        Ok(PostgresTime { processes, ended: Stat::of(self.process)?.children })
    }
}

impl PostgresTime {
    /// What was used since `earlier`; the share of processes that ended in between to the hundredth of a second.
    pub(super) fn since(&self, earlier: &PostgresTime) -> Duration {
        let before = |process| earlier.processes.get(process);
        let living = self.processes.iter().map(|(process, now)| match before(process) {
            Some(before) => now.since(before),
            None => now.total(),
        });
        let gone = earlier.processes.iter().filter(|(process, _)| !self.processes.contains_key(process));
        let counted_before: Duration = gone.map(|(_, time)| time.total()).sum();
        let ended = self.ended.saturating_sub(earlier.ended).saturating_sub(counted_before);
        living.sum::<Duration>() + ended
    }
}

#[cfg(test)]
mod tests {
    use hookwright::ServerSession;

    use super::Postmaster;

    #[test]
    fn a_process_that_is_no_session_of_ours_is_none_of_a_server_here() {
        for client_port in [None, Some(1)] {
            assert_eq!(Postmaster::of(ServerSession { process: std::process::id(), client_port }), None);
        }
        assert_eq!(Postmaster::of(ServerSession { process: u32::MAX, client_port: None }), None);
    }

    #[test]
    fn what_children_used_is_counted_also_once_they_have_ended() {
        let us = Postmaster { process: std::process::id() };
        let before = us.now().unwrap();
        let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; read wait";
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut used = std::time::Duration::ZERO;
        while used < std::time::Duration::from_millis(50) {
            let now = us.now().unwrap();
            used = now.processes.get(&child.id()).map_or(used, super::CpuTime::total);
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        let after = us.now().unwrap();
        assert!(!after.processes.contains_key(&child.id()));
        assert!(after.since(&before) >= used - std::time::Duration::from_millis(20));
    }
}
