//! How the domain's values are kept in columns, and read back with an error for what does not fit.

use std::str::FromStr;

use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, Row};
use zeroize::Zeroizing;

use crate::domain::application::Metadata;
use crate::domain::ids::ID_BYTES;
use crate::domain::names::NameError;
use crate::domain::page::{Page, PageRequest};
use crate::domain::time::Timestamp;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::sealing::Sealing;

/// A column's value, as the database has it.
pub(super) fn get<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    Ok(row.get(column)?)
}

/// An id.
pub(super) fn id<T>(row: &Row<'_>, column: usize, from: fn([u8; ID_BYTES]) -> T) -> Result<T, StoreError> {
    Ok(from(row.get(column)?))
}

/// A point in time.
pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_micros(row.get(column)?))
}

/// A point in time, or none.
pub(super) fn time_opt(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
}

/// A name, checked as it was when it came in.
pub(super) fn name<T>(
    row: &Row<'_>,
    column: usize,
    parse: fn(&str) -> Result<T, NameError>,
    place: &'static str,
) -> Result<T, StoreError> {
    parse(text(row, column)?).map_err(|_| StoreError::Value { column: place })
}

/// A name, or none.
pub(super) fn name_opt<T>(
    row: &Row<'_>,
    column: usize,
    parse: fn(&str) -> Result<T, NameError>,
    place: &'static str,
) -> Result<Option<T>, StoreError> {
    match row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        None => Ok(None),
        Some(text) => parse(text).map(Some).map_err(|_| StoreError::Value { column: place }),
    }
}

/// Names, kept as a JSON array; none are kept as NULL or `[]`.
pub(super) fn names<T>(
    row: &Row<'_>,
    column: usize,
    parse: fn(&str) -> Result<T, NameError>,
    place: &'static str,
) -> Result<Vec<T>, StoreError> {
    encoded::names(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?, parse, place)
}

/// A word that stands for one of a few values.
pub(super) fn word<T>(
    row: &Row<'_>,
    column: usize,
    read: fn(&str) -> Option<T>,
    place: &'static str,
) -> Result<Option<T>, StoreError> {
    match row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        None => Ok(None),
        Some(word) => read(word).map(Some).ok_or(StoreError::Value { column: place }),
    }
}

/// A number that stands for one of a few values.
pub(super) fn code<T>(
    row: &Row<'_>,
    column: usize,
    read: fn(u8) -> Option<T>,
    place: &'static str,
) -> Result<T, StoreError> {
    read(row.get(column)?).ok_or(StoreError::Value { column: place })
}

/// Free key-value pairs, kept as a JSON object.
pub(super) fn metadata(row: &Row<'_>, column: usize, place: &'static str) -> Result<Metadata, StoreError> {
    serde_json::from_str(text(row, column)?).map_err(|_| StoreError::Value { column: place })
}

/// A text that has a form of its own.
pub(super) fn parsed<T: FromStr>(text: &str, place: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Value { column: place })
}

/// A text, without copying it.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, StoreError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

/// A text that is encrypted, of the row with this key.
pub(super) fn sealed(
    row: &Row<'_>,
    column: usize,
    sealing: &Sealing,
    place: &'static str,
    key: &[&[u8]],
) -> Result<Zeroizing<String>, StoreError> {
    Ok(sealing.open(place, key, text(row, column)?)?)
}

/// Every row of a query, read with `each`.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    each: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        read.push(each(row)?);
    }
    Ok(read)
}

/// The page that a query reads, one row after the other, until it holds enough; `bytes` is what an item holds.
pub(super) fn page<T, K: Clone>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    request: &PageRequest<K>,
    each: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    bytes: impl Fn(&T) -> usize,
) -> Result<Page<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    request.try_gather(statement.query_and_then(params, each)?, bytes)
}

/// The one row of a query, if there is one.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    each: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(each).transpose()
}
