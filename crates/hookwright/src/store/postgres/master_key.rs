//! Statements on what secrets are encrypted with: which keys are needed, and that all secrets are encrypted with the newest.

use tokio_postgres::Row;

use crate::config::MasterKeys;
use crate::domain::lease::LeaseNumber;
use crate::store::error::StoreError;
use crate::store::postgres::connection::{Connection, Param};
use crate::store::postgres::pipeline::{Held, Pipeline};
use crate::store::postgres::{lease, value};
use crate::store::sealed_columns::{self, TABLES, Table};
use crate::store::sealing::{Sealing, SealingError};

/// Rows that are looked at in one transaction.
const ROWS_AT_ONCE: usize = 500;

/// What encrypts and decrypts in this database, with these keys. Fails if a key is missing or is another one than before.
pub(super) async fn establish(connection: &Connection, keys: &MasterKeys) -> Result<Sealing, StoreError> {
    let mut sealing = Sealing::new(keys);
    begin(connection).await?;
    let result = agree(connection, &mut sealing).await;
    end(connection, result.is_ok()).await?;
    result.map(|()| sealing)
}

async fn agree(connection: &Connection, sealing: &mut Sealing) -> Result<(), StoreError> {
    let known = known(connection).await?;
    prove(sealing, &known)?;
    match known.last() {
        // Who delivers may use another from now on; until then all use the same.
        Some((id, _)) => sealing.use_id(id),
        None => {
            if connection.says(&sealed_columns::is_any_sealed(), &[]).await? {
                return Err(SealingError::Unnoted.into());
            }
            if !connection.says(&sealed_columns::is_any_clear(), &[]).await? {
                sealing.refuse_clear();
            }
            add(connection, sealing).await?;
        }
    }
    Ok(())
}

/// Fails unless all keys that are needed are there; from when nothing is in clear, what is so is refused.
fn prove(sealing: &mut Sealing, known: &[(String, String)]) -> Result<(), SealingError> {
    for (id, proof) in known {
        if sealing.check(id, proof)? {
            sealing.refuse_clear();
        }
    }
    Ok(())
}

/// Fails as [`establish`] does if a key is missing or is another one than before, and changes nothing: a database whose schema may be an
/// earlier one is looked at with this before it is brought to the newest.
pub(super) async fn check(connection: &Connection, keys: &MasterKeys) -> Result<(), StoreError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'master_key')";
    if !connection.says(sql, &[]).await? {
        return Ok(());
    }
    Ok(prove(&mut Sealing::new(keys), &known(connection).await?)?)
}

/// Notes the key that encrypts as the only one that is needed, within a transaction in which none is known any more and nothing is there.
pub(super) async fn begin_with(connection: &Connection, sealing: &Sealing) -> Result<(), StoreError> {
    add(connection, sealing).await?;
    connection.execute("UPDATE master_key SET is_everywhere = TRUE", &[]).await?;
    Ok(())
}

/// Begins a transaction in which nobody else changes which keys are needed.
async fn begin(connection: &Connection) -> Result<(), StoreError> {
    connection.batch("BEGIN; LOCK TABLE master_key IN SHARE ROW EXCLUSIVE MODE").await
}

async fn end(connection: &Connection, commits: bool) -> Result<(), StoreError> {
    connection.batch(if commits { "COMMIT" } else { "ROLLBACK" }).await
}

/// The keys that are needed, in the order they came, with their proofs.
async fn known(connection: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let rows = connection.query("SELECT id, proof FROM master_key ORDER BY number", &[]).await?;
    value::all(&rows, |row| Ok((value::get(row, 0)?, value::get(row, 1)?)))
}

async fn add(connection: &Connection, sealing: &Sealing) -> Result<(), StoreError> {
    let sql = "INSERT INTO master_key (number, id, proof)
               VALUES ((SELECT coalesce(max(number), 0) + 1 FROM master_key), $1, $2) ON CONFLICT (id) DO UPDATE
               SET number = EXCLUDED.number, is_everywhere = FALSE";
    connection.execute(sql, &[&sealing.id(), &sealing.proof()?]).await?;
    Ok(())
}

/// Whether something may not be encrypted with the first key yet, or the proof does not say that all is.
pub(super) async fn is_due(connection: &Connection, sealing: &Sealing) -> Result<bool, StoreError> {
    if !sealing.refuses_clear() {
        return Ok(true);
    }
    let sql =
        "SELECT count(*) = 1 AND coalesce(min(id) = $1 AND bool_and(is_everywhere), FALSE) FROM master_key";
    let row = connection.first(sql, &[&sealing.first_id()]).await?;
    row.map_or(Ok(true), |row| Ok(!value::get::<bool>(&row, 0)?))
}

/// Encrypts all secrets with the first key, a number of rows at a time; whoever was interrupted begins anew and finds what is done.
/// Not while another node delivers that has not got the key: it could not read them.
pub(super) async fn seal_all(
    connection: &Connection,
    sealing: &mut Sealing,
    own: LeaseNumber,
) -> Result<(), StoreError> {
    begin(connection).await?;
    if !lease::all_have_key(connection, own, sealing.first_id()).await? {
        end(connection, false).await?;
        tracing::warn!(
            master_key = sealing.first_id(),
            "secrets stay encrypted with the earlier master key, since another node has not got the new one; give it to all of them, and start one again"
        );
        return Ok(());
    }
    sealing.use_first();
    let is_new = known(connection).await?.last().is_none_or(|(id, _)| Some(id.as_str()) != sealing.id());
    if is_new {
        add(connection, sealing).await?;
    }
    end(connection, true).await?;
    let mut changed = 0;
    for table in &TABLES {
        let mut beyond = None;
        loop {
            let slice = seal_slice(connection, sealing, table, beyond.as_deref()).await?;
            changed += slice.changed;
            beyond = slice.next;
            if beyond.is_none() {
                break;
            }
        }
    }
    sealing.refuse_clear();
    begin(connection).await?;
    let sql = "UPDATE master_key SET is_everywhere = TRUE, proof = $2 WHERE id = $1";
    connection.execute(sql, &[&sealing.id(), &sealing.proof()?]).await?;
    connection.execute("DELETE FROM master_key WHERE id <> $1", &[&sealing.id()]).await?;
    end(connection, true).await?;
    if changed > 0 || is_new {
        let id = sealing.id();
        tracing::info!(
            master_key = id,
            changed,
            "all secrets are encrypted with the first master key; earlier ones are not needed any more"
        );
    }
    Ok(())
}

struct Sliced {
    /// Values that were written.
    changed: u32,
    /// The key of the last row, if there may be more.
    next: Option<Vec<Vec<u8>>>,
}

/// Encrypts the secrets of the next rows of a table, in two round trips.
async fn seal_slice(
    connection: &Connection,
    sealing: &Sealing,
    table: &Table,
    beyond: Option<&[Vec<u8>]>,
) -> Result<Sliced, StoreError> {
    // Locked until they are written: somebody may be changing them.
    connection.batch("BEGIN").await?;
    let rows = rows(connection, table, beyond).await?;
    let mut pipeline = Pipeline::new(connection);
    let mut changed = 0;
    for row in &rows {
        let key = key_of(row, table)?;
        let of: Vec<&[u8]> = key.iter().map(Vec::as_slice).collect();
        for (number, (column, full_name)) in table.columns.iter().enumerate() {
            let kept: &str = value::get(row, table.key.len() + number)?;
            let Some(resealed) = sealing.resealed(full_name, &of, kept)? else { continue };
            let conditions = numbered(table.key, 2, " AND ");
            let sql = format!("UPDATE {} SET {column} = $1 WHERE {conditions}", table.name);
            let mut values: Vec<Held<'_>> = vec![Box::new(resealed.text)];
            values.extend(key.iter().map(|part| Box::new(part.clone()) as Held<'_>));
            pipeline.add(&sql, values).await?;
            changed += 1;
        }
    }
    pipeline.plain("COMMIT");
    pipeline.run().await?;
    let last = rows.last().filter(|_| rows.len() == ROWS_AT_ONCE);
    Ok(Sliced { changed, next: last.map(|row| key_of(row, table)).transpose()? })
}

/// The next rows of a table: the columns of the key, then those with secrets.
async fn rows(
    connection: &Connection,
    table: &Table,
    beyond: Option<&[Vec<u8>]>,
) -> Result<Vec<Row>, StoreError> {
    let (key, columns) = (table.key.join(", "), table.columns.iter().map(|(column, _)| *column));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let condition = match beyond {
        Some(beyond) => {
            let places: Vec<String> = (1..=beyond.len()).map(|number| format!("${number}")).collect();
            format!("WHERE ({key}) > ({})", places.join(", "))
        }
        None => String::new(),
    };
    let sql = format!(
        "SELECT {key}, {columns} FROM {} {condition} ORDER BY {key} LIMIT {ROWS_AT_ONCE} FOR UPDATE",
        table.name
    );
    let params: Vec<Param<'_>> = beyond.unwrap_or_default().iter().map(|part| part as Param<'_>).collect();
    connection.query(&sql, &params).await
}

fn key_of(row: &Row, table: &Table) -> Result<Vec<Vec<u8>>, StoreError> {
    (0..table.key.len()).map(|column| value::get(row, column)).collect()
}

/// Columns with the places of their values, from `first` on.
fn numbered(columns: &[&str], first: usize, between: &str) -> String {
    let each = columns.iter().enumerate().map(|(number, column)| format!("{column} = ${}", first + number));
    each.collect::<Vec<_>>().join(between)
}
