//! Statements on limits that all nodes share: when the next attempt of a limited endpoint, or application, has its place.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{Postgres, value};
use crate::store::slots::Slots;

/// In order, so that two nodes never wait for each other. What was reserved far ahead was so by a clock that was set back since.
const RESERVE: &str = "INSERT INTO throttle AS t (application, endpoint, asked_at, taken, free_at)
     SELECT u.application, u.endpoint, n.now, u.taken, n.now + u.taken
     FROM UNNEST($1::bytea[], $2::bytea[], $3::bigint[]) AS u (application, endpoint, taken),
         (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now) AS n
     ORDER BY u.application, u.endpoint
     ON CONFLICT (application, endpoint) DO UPDATE SET asked_at = excluded.asked_at, taken = excluded.taken,
         free_at = least(greatest(t.free_at, excluded.asked_at), excluded.asked_at + 60000000) + excluded.taken
     RETURNING application, endpoint, free_at - taken - asked_at";

impl Postgres {
    /// Reserves places, each beginning where those of before end, whoever has them; says how long it is until the first of each.
    pub(crate) async fn slots_reserve(&self, wanted: Vec<Slots>) -> Result<Vec<Duration>, StoreError> {
        // The row of an application itself has no endpoint.
        let endpoint = |slots: &Slots| slots.endpoint.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let applications: Vec<&[u8]> =
            wanted.iter().map(|slots| slots.application.as_bytes().as_slice()).collect();
        let endpoints: Vec<Vec<u8>> = wanted.iter().map(endpoint).collect();
        let taken = |slots: &Slots| (slots.interval * slots.count).as_micros();
        let taken: Vec<i64> =
            wanted.iter().map(|slots| i64::try_from(taken(slots)).unwrap_or(i64::MAX)).collect();
        let connection = self.reader().await?;
        let rows = connection.query(RESERVE, &[&applications, &endpoints, &taken]).await?;
        let mut waits: HashMap<(&[u8], &[u8]), Duration> = HashMap::with_capacity(rows.len());
        for row in &rows {
            let wait = Timestamp::from_micros(value::get(row, 2)?).since(Timestamp::from_micros(0));
            waits.insert((value::get(row, 0)?, value::get(row, 1)?), wait);
        }
        let wait = |(application, endpoint): (&&[u8], &Vec<u8>)| {
            waits.get(&(*application, endpoint.as_slice())).copied().unwrap_or_default()
        };
        Ok(applications.iter().zip(&endpoints).map(wait).collect())
    }
}

/// Forgets the limit of an endpoint that goes.
pub(super) async fn forget(
    connection: &Connection,
    application: &[u8],
    endpoint: &[u8],
) -> Result<(), StoreError> {
    let sql = "DELETE FROM throttle WHERE application = $1 AND endpoint = $2";
    connection.execute(sql, &[&application, &endpoint]).await?;
    Ok(())
}
