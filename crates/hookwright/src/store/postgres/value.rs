//! How the domain's values are kept in columns, and read back with an error for what does not fit.

use std::borrow::Cow;
use std::str::FromStr;

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use zeroize::Zeroizing;

use crate::domain::application::Metadata;
use crate::domain::ids::ID_BYTES;
use crate::domain::names::NameError;
use crate::domain::time::Timestamp;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::sealing::Sealing;

/// A column's value, as the database has it.
pub(super) fn get<'row, T: FromSql<'row>>(row: &'row Row, column: usize) -> Result<T, StoreError> {
    Ok(row.try_get(column)?)
}

/// A number, in the type it has here: there are no unsigned ones in PostgreSQL.
pub(super) fn number<T: TryFrom<i32>>(
    row: &Row,
    column: usize,
    place: &'static str,
) -> Result<T, StoreError> {
    T::try_from(get(row, column)?).map_err(|_| StoreError::Value { column: place })
}

/// A number, or none.
pub(super) fn number_opt<T: TryFrom<i32>>(
    row: &Row,
    column: usize,
    place: &'static str,
) -> Result<Option<T>, StoreError> {
    let number: Option<i32> = get(row, column)?;
    number.map(T::try_from).transpose().map_err(|_| StoreError::Value { column: place })
}

/// A count.
pub(super) fn count(row: &Row, column: usize) -> Result<u64, StoreError> {
    Ok(get::<i64>(row, column)?.unsigned_abs())
}

/// So many bytes.
pub(super) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], StoreError> {
    get::<&[u8]>(row, column)?.try_into().map_err(|_| StoreError::Value { column: "an id" })
}

/// An id.
pub(super) fn id<T>(row: &Row, column: usize, from: fn([u8; ID_BYTES]) -> T) -> Result<T, StoreError> {
    Ok(from(bytes(row, column)?))
}

/// An id, or none.
pub(super) fn id_opt<T>(
    row: &Row,
    column: usize,
    from: fn([u8; ID_BYTES]) -> T,
) -> Result<Option<T>, StoreError> {
    match get::<Option<&[u8]>>(row, column)? {
        None => Ok(None),
        Some(_) => id(row, column, from).map(Some),
    }
}

/// A point in time.
pub(super) fn time(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_micros(get(row, column)?))
}

/// A point in time, or none.
pub(super) fn time_opt(row: &Row, column: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_micros))
}

/// A name, checked as it was when it came in.
pub(super) fn name<T>(
    row: &Row,
    column: usize,
    parse: fn(&str) -> Result<T, NameError>,
    place: &'static str,
) -> Result<T, StoreError> {
    parse(get(row, column)?).map_err(|_| StoreError::Value { column: place })
}

/// A name, or none.
pub(super) fn name_opt<T>(
    row: &Row,
    column: usize,
    parse: fn(&str) -> Result<T, NameError>,
    place: &'static str,
) -> Result<Option<T>, StoreError> {
    match get::<Option<&str>>(row, column)? {
        None => Ok(None),
        Some(text) => parse(text).map(Some).map_err(|_| StoreError::Value { column: place }),
    }
}

/// Names, kept as a JSON array; none are kept as NULL or `[]`.
pub(super) fn names<T>(
    row: &Row,
    column: usize,
    parse: fn(&str) -> Result<T, NameError>,
    place: &'static str,
) -> Result<Vec<T>, StoreError> {
    encoded::names(get(row, column)?, parse, place)
}

/// A word that stands for one of a few values.
pub(super) fn word<T>(
    row: &Row,
    column: usize,
    read: fn(&str) -> Option<T>,
    place: &'static str,
) -> Result<Option<T>, StoreError> {
    match get::<Option<&str>>(row, column)? {
        None => Ok(None),
        Some(word) => read(word).map(Some).ok_or(StoreError::Value { column: place }),
    }
}

/// A number that stands for one of a few values.
pub(super) fn code<T>(
    row: &Row,
    column: usize,
    read: fn(u8) -> Option<T>,
    place: &'static str,
) -> Result<T, StoreError> {
    let code: i16 = get(row, column)?;
    u8::try_from(code).ok().and_then(read).ok_or(StoreError::Value { column: place })
}

/// Free key-value pairs, kept as a JSON object.
pub(super) fn metadata(row: &Row, column: usize, place: &'static str) -> Result<Metadata, StoreError> {
    serde_json::from_str(get(row, column)?).map_err(|_| StoreError::Value { column: place })
}

/// A text that has a form of its own.
pub(super) fn parsed<T: FromStr>(text: &str, place: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Value { column: place })
}

/// What stands before the digit that stands for NUL, which PostgreSQL's texts cannot hold, or for itself.
const ESCAPE: char = '\u{1}';

/// A text that people chose freely, as PostgreSQL can keep it.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ESCAPE, "\u{1}1").replace('\0', "\u{1}0"))
}

/// A text that was kept [`escaped`].
pub(super) fn text(row: &Row, column: usize) -> Result<String, StoreError> {
    Ok(plain(get(row, column)?))
}

/// A text that was kept [`escaped`], or none.
pub(super) fn text_opt(row: &Row, column: usize) -> Result<Option<String>, StoreError> {
    Ok(get::<Option<&str>>(row, column)?.map(plain))
}

fn plain(kept: &str) -> String {
    if kept.contains(ESCAPE) {
        kept.replace("\u{1}0", "\0").replace("\u{1}1", "\u{1}")
    } else {
        kept.to_owned()
    }
}

/// A text that is encrypted, of the row with this key.
pub(super) fn sealed(
    row: &Row,
    column: usize,
    sealing: &Sealing,
    place: &'static str,
    key: &[&[u8]],
) -> Result<Zeroizing<String>, StoreError> {
    Ok(sealing.open(place, key, get(row, column)?)?)
}

/// Every row, read with `each`.
pub(super) fn all<T>(
    rows: &[Row],
    each: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(each).collect()
}

/// A limit of rows as PostgreSQL takes it.
pub(super) fn limit(rows: u32) -> i64 {
    i64::from(rows)
}

/// Rows that were written, as a count of ours.
pub(super) fn rows(written: u64) -> u32 {
    u32::try_from(written).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{escaped, plain};
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn every_text_comes_back_as_it_was(text in "[\u{0}\u{1}01a]{0,12}") {
            let kept = escaped(&text);
            prop_assert!(!kept.contains('\0'));
            prop_assert_eq!(plain(&kept), text);
        }
    }
}
