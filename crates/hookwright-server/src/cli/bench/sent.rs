//! What became of the messages of a part, before it is put into figures.

use std::time::Duration;

use super::board::Board;
use super::report::{Figures, Latency, micros_each, per_second};

/// What was sent, and what that cost.
pub(super) struct Sent {
    /// The number of the first message.
    pub(super) first: u64,
    pub(super) accepted: u64,
    /// From the first send until all was recorded.
    pub(super) took: Duration,
    /// CPU time of this process.
    pub(super) own_cpu: Duration,
    /// CPU time of the server, if there is one.
    pub(super) server_cpu: Option<Duration>,
    /// CPU time of PostgreSQL, if it is on this machine.
    pub(super) postgres_cpu: Option<Duration>,
    pub(super) stored: Option<u64>,
    pub(super) unrecorded: u64,
    pub(super) duplicates: u64,
}

impl Sent {
    /// The figures, with the times that the board has.
    ///
    /// # Errors
    ///
    /// As [`Board::times`].
    pub(super) fn figures(
        &self,
        board: &Board,
        fan_out: u32,
    ) -> Result<Figures, hdrhistogram::CreationError> {
        let times = board.times(self.first..self.first + self.accepted)?;
        let deliveries = self.accepted * u64::from(fan_out);
        let server_cpu = self.server_cpu.map(|cpu| cpu + self.postgres_cpu.unwrap_or_default());
        Ok(Figures {
            accepted: self.accepted,
            arrived: deliveries - times.lost,
            duplicates: self.duplicates,
            lost: times.lost,
            stored: self.stored,
            unrecorded: self.unrecorded,
            seconds: self.took.as_secs_f64(),
            messages_per_second: per_second(self.accepted, self.took),
            deliveries_per_second: per_second(deliveries - times.lost, self.took),
            client_and_receiver_cpu_us_per_message: micros_each(self.own_cpu, self.accepted),
            server_cpu_us_per_message: server_cpu.map(|cpu| micros_each(cpu, self.accepted)),
            postgres_cpu_us_per_message: self.postgres_cpu.map(|cpu| micros_each(cpu, self.accepted)),
            server_cpu_us_per_delivery: server_cpu
                .filter(|_| deliveries > 0)
                .map(|cpu| micros_each(cpu, deliveries)),
            ratio_to_floor: None,
            arrival_ms: (deliveries > 0).then(|| Latency::of(&times.to_arrived)),
            accepted_ms: Latency::of(&times.to_accepted),
            load: None,
        })
    }
}
