//! The values of a row whatever back end it is in, and what the rows of a table sum up to.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::store::error::StoreError;
use crate::store::moving::tables::Table;
use crate::store::sealing::Sealing;

/// A value as it is meant: neither escaped nor encrypted.
pub(in crate::store) enum Cell<'a> {
    Null,
    Number(i64),
    Text(Cow<'a, str>),
    /// A text that is encrypted where it is kept.
    Secret(Zeroizing<String>),
    Bytes(&'a [u8]),
}

/// Decrypts the secrets of a row, which come as they are kept.
pub(in crate::store) fn open_secrets(
    table: &Table,
    key: &[usize],
    cells: &mut [Cell<'_>],
    sealing: &Sealing,
) -> Result<(), StoreError> {
    if key.is_empty() {
        return Ok(());
    }
    for (at, column) in table.columns.iter().enumerate().filter(|(_, column)| column.is_sealed()) {
        let Some(Cell::Text(kept)) = cells.get(at) else { continue };
        let opened = sealing.open(column.place, &secrets_are_for(key, cells), kept)?;
        cells[at] = Cell::Secret(opened);
    }
    Ok(())
}

/// What the secrets of a row are encrypted for: the values of its key.
pub(in crate::store) fn secrets_are_for<'c>(key: &[usize], cells: &'c [Cell<'_>]) -> Vec<&'c [u8]> {
    let bytes = |at: &usize| match cells.get(*at) {
        Some(Cell::Bytes(bytes)) => *bytes,
        _ => &[],
    };
    key.iter().map(bytes).collect()
}

/// The sum of the hashes of rows, in whichever order they come.
///
/// What is hashed begins with random bytes of the move: what is printed tells nobody which secret is behind it.
pub(in crate::store) struct Checksum {
    begun: Sha256,
    rows: u64,
    sum: [u64; 4],
}

impl Checksum {
    pub(in crate::store) fn new(salt: &[u8; 32]) -> Checksum {
        Checksum { begun: Sha256::new_with_prefix(salt), rows: 0, sum: [0; 4] }
    }

    /// Takes in a row.
    pub(in crate::store) fn add(&mut self, cells: &[Cell<'_>]) {
        let mut hash = self.begun.clone();
        for cell in cells {
            match cell {
                Cell::Null => hash.update([0]),
                Cell::Number(number) => {
                    hash.update([1]);
                    hash.update(number.to_le_bytes());
                }
                Cell::Text(text) => long(&mut hash, 2, text.as_bytes()),
                Cell::Secret(text) => long(&mut hash, 2, text.as_bytes()),
                Cell::Bytes(bytes) => long(&mut hash, 3, bytes),
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut carry = false;
        for (word, part) in self.sum.iter_mut().zip(digest.as_chunks::<8>().0) {
            let (with_part, over) = word.overflowing_add(u64::from_le_bytes(*part));
            let (with_carry, over_again) = with_part.overflowing_add(u64::from(carry));
            (*word, carry) = (with_carry, over || over_again);
        }
        self.rows += 1;
    }

    /// How many rows there were.
    pub(in crate::store) fn rows(&self) -> u64 {
        self.rows
    }

    /// What they sum up to.
    pub(in crate::store) fn sum(&self) -> [u64; 4] {
        self.sum
    }
}

/// With its length, so that two values never look like two others.
fn long(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(Cow::Borrowed(text))
    }

    fn sum(salt: u8, rows: &[&[Cell<'_>]]) -> ([u64; 4], u64) {
        let mut checksum = Checksum::new(&[salt; 32]);
        rows.iter().for_each(|row| checksum.add(row));
        (checksum.sum(), checksum.rows())
    }

    #[test]
    fn rows_may_come_in_any_order_and_every_value_counts() {
        let (one, other) = (&[Cell::Number(1), text("a")][..], &[Cell::Null, Cell::Bytes(b"a")][..]);
        assert_eq!(sum(1, &[one, other]), sum(1, &[other, one]));
        assert_ne!(sum(1, &[one, other]), sum(2, &[one, other]), "the salt is in it");
        assert_ne!(sum(1, &[one, one]).0, [0; 4], "the same row twice is not as if it were not there");
        let others: [&[Cell<'_>]; 6] = [
            &[Cell::Number(2), text("a")],
            &[Cell::Number(1), text("b")],
            &[Cell::Number(1), Cell::Bytes(b"a")],
            &[Cell::Number(1), Cell::Null],
            &[Cell::Number(1), text("a"), text("")],
            &[text("a"), Cell::Number(1)],
        ];
        for changed in others {
            assert_ne!(sum(1, &[one]), sum(1, &[changed]));
        }
        assert_ne!(sum(1, &[&[text("ab"), text("c")]]), sum(1, &[&[text("a"), text("bc")]]));
        let secret = Cell::Secret(Zeroizing::new("a".to_owned()));
        assert_eq!(sum(1, &[&[secret]]), sum(1, &[&[text("a")]]), "a secret counts as what it says");
    }
}
