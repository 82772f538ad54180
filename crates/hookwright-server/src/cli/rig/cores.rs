//! The one core that a process may run on, for measurements that ask what a core is worth.

use std::io;
use std::thread;

/// A core of this machine that this program may use, and so whatever it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Core(usize);

impl Core {
    /// That of process `number`, counted from 0 round the cores that this program may use: number modulo how many there are.
    ///
    /// # Errors
    ///
    /// If processes cannot be kept on a core here: this is not Linux, or it is forbidden.
    pub(crate) fn in_turn(number: usize) -> io::Result<Core> {
        let cores = allowed()?;
        let core = cores.get(number % cores.len().max(1)).copied().map(Core);
        let core = core.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        core.run(|| ())?;
        Ok(core)
    }

    /// As the operating system counts them.
    pub(crate) fn number(self) -> usize {
        self.0
    }

    /// Runs `start` in a thread that is kept on this core: a process that it starts has that from its first instruction on, as have
    /// all threads of the process.
    ///
    /// # Errors
    ///
    /// If the thread cannot be kept there.
    pub(crate) fn run<T: Send>(self, start: impl FnOnce() -> T + Send) -> io::Result<T> {
        let kept = || {
            keep_on(self.0)?;
            Ok(start())
        };
        // A thread of its own, which ends: nothing else is to stay on that core.
        thread::scope(|scope| scope.spawn(kept).join())
            .unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
    }
}

#[cfg(target_os = "linux")]
fn allowed() -> io::Result<Vec<usize>> {
    use rustix::thread::{CpuSet, sched_getaffinity};

    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
}

#[cfg(target_os = "linux")]
fn keep_on(core: usize) -> io::Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};

    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> io::Result<Vec<usize>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn keep_on(_core: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::{Core, allowed};

    #[test]
    fn a_process_stays_on_its_core_and_nobody_else_does() {
        let before = allowed().unwrap();
        for number in 0..=before.len() {
            let core = Core::in_turn(number).unwrap();
            assert_eq!(core.number(), before[number % before.len()]);
            let output = core.run(|| Command::new("cat").arg("/proc/self/status").output()).unwrap().unwrap();
            let status = String::from_utf8(output.stdout).unwrap();
            let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
            assert_eq!(cores.trim(), core.number().to_string());
        }
        assert_eq!(allowed().unwrap(), before);
    }
}
