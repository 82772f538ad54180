//! The outcomes of attempts, written as arrays: the log, what becomes of the deliveries, and the failures of endpoints.

use crate::domain::delivery::Transition;
use crate::domain::lease::Held;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::caution::Caution;
use crate::store::postgres::hot::column;
use crate::store::postgres::pipeline::{Held as Value, Pipeline};
use crate::store::postgres::{health, lease, value};
use crate::store::write::Outcome;

/// Logs attempts. Whether they are there already is not asked: that costs nearly as much again, and a batch that may be committed is
/// not written once more.
const LOG: &str = "INSERT INTO attempt (application, message, id, endpoint, number, status, response_code, duration_us, trigger,
         started_at, next_attempt_at, reason, url, response)
     SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[]), unnest($4::bytea[]), unnest($5::integer[]),
         unnest($6::smallint[]), unnest($7::integer[]), unnest($8::bigint[]), unnest($9::smallint[]), unnest($10::bigint[]),
         unnest($11::bigint[]), unnest($12::text[]), unnest($13::text[]), unnest($14::bytea[])";

/// Whether an attempt of the batch was logged before.
pub(super) fn are_logged(error: &StoreError) -> bool {
    // Each day has a constraint of its own.
    error.is_taken_in("attempt_")
}

/// Adds the statements that log attempts, and end deliveries or set when they go on.
pub(super) async fn add<'a>(
    pipeline: &mut Pipeline<'a>,
    held: &Held,
    outcomes: &[&'a Outcome],
    logged: &Caution,
) -> Result<(), StoreError> {
    if outcomes.is_empty() {
        return Ok(());
    }
    let of = || outcomes.iter().map(|outcome| &outcome.attempt);
    let values: Vec<Value<'a>> = vec![
        column(of().map(|attempt| attempt.application.as_bytes().as_slice())),
        column(of().map(|attempt| attempt.message.as_bytes().as_slice())),
        column(of().map(|attempt| attempt.id.as_bytes().as_slice())),
        column(of().map(|attempt| attempt.endpoint.as_bytes().as_slice())),
        column(of().map(|attempt| i32::from(attempt.number))),
        column(of().map(|attempt| i16::from(attempt.status.code()))),
        column(of().map(|attempt| i32::from(attempt.response_code))),
        column(of().map(|attempt| i64::try_from(attempt.duration.as_micros()).unwrap_or(i64::MAX))),
        column(of().map(|attempt| i16::from(attempt.trigger.code()))),
        column(of().map(|attempt| attempt.started_at.as_micros())),
        column(of().map(|attempt| attempt.next_attempt_at.map(Timestamp::as_micros))),
        column(of().map(|attempt| attempt.reason.as_deref().map(value::escaped))),
        column(of().map(|attempt| value::escaped(&attempt.url))),
        column(of().map(|attempt| attempt.response.as_ref())),
    ];
    if logged.is_called_for() {
        // One that is there stays.
        pipeline.add(&format!("{LOG} ON CONFLICT DO NOTHING"), values).await?;
    } else {
        pipeline.add(LOG, values).await?;
    }
    // What was started under a lease that is lost is logged, and changes nothing.
    let outcomes: Vec<&Outcome> =
        outcomes.iter().copied().filter(|outcome| held.still(outcome.hold)).collect();
    let (mut ended, mut waiting) = (Vec::new(), Vec::new());
    for outcome in &outcomes {
        let (attempt, lease) = (&outcome.attempt, lease::as_column(outcome.hold.lease));
        match outcome.transition {
            Transition::Delivered | Transition::GivenUp(_) => ended.push((attempt, lease)),
            Transition::RetryAt(due_at) => waiting.push((attempt, lease, due_at)),
        }
    }
    // Fenced by the lease and the number of attempts: a delivery that was taken over, or started afresh, goes its own way.
    if !ended.is_empty() {
        let values: Vec<Value<'a>> = vec![
            column(ended.iter().map(|(attempt, _)| attempt.application.as_bytes().as_slice())),
            column(ended.iter().map(|(attempt, _)| attempt.endpoint.as_bytes().as_slice())),
            column(ended.iter().map(|(attempt, _)| attempt.message.as_bytes().as_slice())),
            column(ended.iter().map(|(attempt, _)| i32::from(attempt.number))),
            column(ended.iter().map(|(_, lease)| *lease)),
        ];
        let sql = "DELETE FROM delivery d
                   USING (SELECT unnest($1::bytea[]) AS application, unnest($2::bytea[]) AS endpoint, unnest($3::bytea[]) AS message,
                              unnest($4::integer[]) AS number, unnest($5::bigint[]) AS lease) AS u
                   WHERE d.application = u.application AND d.endpoint = u.endpoint AND d.message = u.message
                       AND d.lease = u.lease AND d.attempts = u.number - 1";
        pipeline.add(sql, values).await?;
    }
    if !waiting.is_empty() {
        let values: Vec<Value<'a>> = vec![
            column(waiting.iter().map(|(attempt, ..)| attempt.application.as_bytes().as_slice())),
            column(waiting.iter().map(|(attempt, ..)| attempt.endpoint.as_bytes().as_slice())),
            column(waiting.iter().map(|(attempt, ..)| attempt.message.as_bytes().as_slice())),
            column(waiting.iter().map(|(attempt, ..)| i32::from(attempt.number))),
            column(waiting.iter().map(|(_, lease, _)| *lease)),
            column(waiting.iter().map(|(.., due_at)| due_at.as_micros())),
        ];
        let sql = "UPDATE delivery d SET attempts = u.number, due_at = u.due_at, lease = NULL
                   FROM (SELECT unnest($1::bytea[]) AS application, unnest($2::bytea[]) AS endpoint, unnest($3::bytea[]) AS message,
                             unnest($4::integer[]) AS number, unnest($5::bigint[]) AS lease, unnest($6::bigint[]) AS due_at) AS u
                   WHERE d.application = u.application AND d.endpoint = u.endpoint AND d.message = u.message
                       AND d.lease = u.lease AND d.attempts = u.number - 1";
        pipeline.add(sql, values).await?;
    }
    health::add(pipeline, &outcomes).await
}
