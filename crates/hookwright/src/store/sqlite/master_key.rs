//! Statements on what secrets are encrypted with: which keys are needed, and that all secrets are encrypted with the newest.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params, params_from_iter};

use crate::config::MasterKeys;
use crate::store::error::StoreError;
use crate::store::sealed_columns::{self, TABLES, Table};
use crate::store::sealing::{Sealing, SealingError};
use crate::store::sqlite::{Place, key_file, value};

/// Rows that are looked at in one transaction.
const ROWS_AT_ONCE: usize = 500;

/// What encrypts and decrypts in this database: the keys that were given, and those in the file beside it, which is made if
/// there are none at all. Fails if a key is missing or is another one than before.
pub(super) fn establish(
    connection: &mut Connection,
    place: &Place,
    given: Option<&MasterKeys>,
) -> Result<Sealing, StoreError> {
    // Those who open it at once come one after the other, so that one of them makes the file.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = known(&transaction)?;
    let beside = match place {
        Place::File(path) => beside(path, given.is_some())?,
        Place::Memory(_) => None,
    };
    let keys = match (given.cloned(), beside) {
        (Some(given), Some(beside)) => given.with(beside),
        (Some(keys), None) | (None, Some(keys)) => keys,
        (None, None) => match (known.last(), place) {
            (Some((id, _)), _) => return Err(SealingError::Missing { id: id.clone() }.into()),
            (None, Place::File(path)) => key_file::make(path)?,
            (None, Place::Memory(_)) => MasterKeys::random().ok_or(SealingError::Randomness)?,
        },
    };
    let mut sealing = Sealing::new(&keys);
    prove(&mut sealing, &known)?;
    match known.last() {
        // Who delivers may use another from now on; until then all use the same.
        Some((id, _)) => sealing.use_id(id),
        None => {
            let is = |sql: String| transaction.query_row(&sql, [], |row| row.get::<_, bool>(0));
            if is(sealed_columns::is_any_sealed())? {
                return Err(SealingError::Unnoted.into());
            }
            if !is(sealed_columns::is_any_clear())? {
                sealing.refuse_clear();
            }
            add(&transaction, &sealing)?;
        }
    }
    transaction.commit()?;
    Ok(sealing)
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
pub(super) fn check(
    connection: &Connection,
    place: &Place,
    given: Option<&MasterKeys>,
) -> Result<(), StoreError> {
    let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = 'master_key'";
    if !connection.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    let known = known(connection)?;
    let Some((id, _)) = known.last() else { return Ok(()) };
    let beside = match (place, given) {
        (Place::File(path), None) => key_file::read(path)?,
        // One that cannot be read is told of later.
        (Place::File(path), Some(_)) => key_file::read(path).unwrap_or_default(),
        (Place::Memory(_), _) => None,
    };
    let keys = match (given.cloned(), beside) {
        (Some(given), Some(beside)) => given.with(beside),
        (Some(keys), None) | (None, Some(keys)) => keys,
        (None, None) => return Err(SealingError::Missing { id: id.clone() }.into()),
    };
    Ok(prove(&mut Sealing::new(&keys), &known)?)
}

/// What decrypts in the database at `path`: the keys that were given, and those in the file beside it. Nothing is made or written; fails
/// if a key is missing or is another one than before.
#[cfg(feature = "postgres")]
pub(super) fn known_to(
    connection: &Connection,
    path: &Path,
    given: &MasterKeys,
) -> Result<Sealing, StoreError> {
    let keys = match beside(path, true)? {
        Some(beside) => given.clone().with(beside),
        None => given.clone(),
    };
    let mut sealing = Sealing::new(&keys);
    prove(&mut sealing, &known(connection)?)?;
    Ok(sealing)
}

/// The keys in the file beside the database at `path`, if there is one. If it cannot be read that matters only if no others were given.
fn beside(path: &Path, others_were_given: bool) -> Result<Option<MasterKeys>, StoreError> {
    match key_file::read(path) {
        Ok(beside) => Ok(beside),
        // If it is needed, the key that is missing is named later.
        Err(error) if others_were_given => {
            tracing::warn!(%error, "the file beside the database is left aside; other master keys were given");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The keys that are needed, in the order they came, with their proofs.
fn known(connection: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    value::all(connection, "SELECT id, proof FROM master_key ORDER BY number", [], |row| {
        Ok((value::get(row, 0)?, value::get(row, 1)?))
    })
}

fn add(connection: &Connection, sealing: &Sealing) -> Result<(), StoreError> {
    let sql = "INSERT INTO master_key (number, id, proof)
               VALUES ((SELECT coalesce(max(number), 0) + 1 FROM master_key), ?1, ?2) ON CONFLICT (id) DO UPDATE
               SET number = excluded.number, is_everywhere = 0";
    connection.execute(sql, params![sealing.id(), sealing.proof()?])?;
    Ok(())
}

/// Whether something may not be encrypted with the first key yet, or the proof does not say that all is.
pub(super) fn is_due(connection: &Connection, sealing: &Sealing) -> Result<bool, StoreError> {
    if !sealing.refuses_clear() {
        return Ok(true);
    }
    let sql = "SELECT count(*) = 1 AND min(id) = ?1 AND min(is_everywhere) FROM master_key";
    Ok(!connection.query_row(sql, [sealing.first_id()], |row| row.get::<_, bool>(0))?)
}

/// Encrypts all secrets with the first key, a number of rows at a time; whoever was interrupted begins anew and finds what is done.
pub(super) fn seal_all(connection: &mut Connection, sealing: &mut Sealing) -> Result<(), StoreError> {
    sealing.use_first();
    // What is replaced is overwritten and not only forgotten.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    let is_new = {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let is_new = known(&transaction)?.last().is_none_or(|(id, _)| Some(id.as_str()) != sealing.id());
        if is_new {
            add(&transaction, sealing)?;
        }
        transaction.commit()?;
        is_new
    };
    let mut changed = 0;
    for table in &TABLES {
        let mut beyond = None;
        loop {
            let slice = seal_slice(connection, sealing, table, beyond.as_deref())?;
            changed += slice.changed;
            beyond = slice.next;
            if beyond.is_none() {
                break;
            }
        }
    }
    sealing.refuse_clear();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "UPDATE master_key SET is_everywhere = 1, proof = ?2, leaves_clear = (SELECT max(leaves_clear) FROM master_key)
               WHERE id = ?1";
    transaction.execute(sql, params![sealing.id(), sealing.proof()?])?;
    transaction.execute("DELETE FROM master_key WHERE id <> ?1", [sealing.id()])?;
    transaction.commit()?;
    connection.pragma_update_and_check(None, "secure_delete", false, |_| Ok(()))?;
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
    next: Option<Vec<Value>>,
}

fn seal_slice(
    connection: &mut Connection,
    sealing: &Sealing,
    table: &Table,
    beyond: Option<&[Value]>,
) -> Result<Sliced, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut changed, mut was_clear) = (0, false);
    let rows = rows(&transaction, table, beyond)?;
    for row in &rows {
        let (key, kept) = row.split_at_checked(table.key.len()).unwrap_or_default();
        let of: Vec<&[u8]> = key.iter().map(blob).collect();
        for (kept, (column, full_name)) in kept.iter().zip(table.columns) {
            let Value::Text(kept) = kept else { continue };
            let Some(resealed) = sealing.resealed(full_name, &of, kept)? else { continue };
            let of_row = format!("{} = ?", table.key.join(" = ? AND "));
            let sql = format!("UPDATE {} SET {column} = ? WHERE {of_row}", table.name);
            let values = std::iter::once(Value::Text(resealed.text)).chain(key.iter().cloned());
            transaction.prepare_cached(&sql)?.execute(params_from_iter(values))?;
            changed += 1;
            was_clear |= resealed.was_clear;
        }
    }
    if was_clear {
        transaction.execute("UPDATE master_key SET leaves_clear = 1 WHERE id = ?1", [sealing.id()])?;
    }
    transaction.commit()?;
    let last = rows.last().filter(|_| rows.len() == ROWS_AT_ONCE);
    Ok(Sliced { changed, next: last.and_then(|row| row.get(..table.key.len())).map(<[Value]>::to_vec) })
}

/// The next rows of a table: the columns of the key, then those with secrets.
fn rows(
    connection: &Connection,
    table: &Table,
    beyond: Option<&[Value]>,
) -> Result<Vec<Vec<Value>>, StoreError> {
    let (key, columns) = (table.key.join(", "), table.columns.iter().map(|(column, _)| *column));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let condition = match beyond {
        Some(_) => format!("WHERE ({key}) > ({})", vec!["?"; table.key.len()].join(", ")),
        None => String::new(),
    };
    let sql = format!(
        "SELECT {key}, {columns} FROM {} {condition} ORDER BY {key} LIMIT {ROWS_AT_ONCE}",
        table.name
    );
    let count = table.key.len() + table.columns.len();
    value::all(connection, &sql, params_from_iter(beyond.unwrap_or_default()), |row| {
        (0..count).map(|column| value::get(row, column)).collect()
    })
}

fn blob(value: &Value) -> &[u8] {
    match value {
        Value::Blob(bytes) => bytes,
        _ => &[],
    }
}

/// Whether unused parts of pages may have secrets in clear, from before they were encrypted.
pub(super) fn leaves_clear(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM master_key WHERE leaves_clear = 1";
    Ok(value::first(connection, sql, [], |_| Ok(()))?.is_some())
}

/// All unused parts of pages were overwritten.
pub(super) fn overwritten(connection: &Connection) -> Result<(), StoreError> {
    let sql = "UPDATE master_key SET leaves_clear = 0 WHERE leaves_clear = 1";
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
