//! The two dialects mirror each other: migrations in number and name, statements in file names.

use std::collections::BTreeSet;

use super::arrows::ENGINE;
use crate::finding::Finding;
use crate::tree::Tree;

const MIGRATIONS: &str = "crates/hookwright/migrations/";
const DIALECTS: [&str; 2] = ["sqlite", "postgres"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for dialect in DIALECTS {
        numbering(tree, &format!("{MIGRATIONS}{dialect}/"), &mut findings);
    }
    for root in [MIGRATIONS, &format!("{ENGINE}store/")] {
        let [one, other] = DIALECTS.map(|dialect| format!("{root}{dialect}/"));
        same_names(tree, &one, &other, &mut findings);
        same_names(tree, &other, &one, &mut findings);
    }
    findings
}

/// Names are `NNNN_name.sql`, counted from 0001 without a gap.
fn numbering(tree: &Tree, folder: &str, findings: &mut Vec<Finding>) {
    for (index, file) in tree.under(folder).enumerate() {
        let expected = format!("{:04}", index + 1);
        let named = file.name().strip_suffix(".sql").and_then(|stem| stem.split_once('_'));
        let message = match named {
            Some((number, name)) if number == expected && !name.is_empty() => continue,
            Some((number, name)) if number.len() == 4 && !name.is_empty() => {
                format!("the number {number} is out of order: here comes {expected}")
            }
            _ => format!("a migration is named NNNN_name.sql: call it {expected}_….sql"),
        };
        // What follows a gap is wrong by the same amount; one finding says it all.
        return findings.push(Finding::new(&file.path, 1, message));
    }
}

/// Files that only one dialect has: what the other does not need, or has in another form. All else has a twin.
const OF_ONE_ALONE: [&str; 30] = [
    // A file on disk: who may use it, when its log goes into it, what is left in its unused parts, and their size; and a file beside
    // it for the key, which nobody has a place for beside a server.
    "store/sqlite/file.rs",
    "store/sqlite/checkpoint.rs",
    "store/sqlite/remnant.rs",
    "store/sqlite/space.rs",
    "store/sqlite/key_file.rs",
    // A server elsewhere: how it is reached, and how one round trip does for many statements.
    "store/postgres/address.rs",
    "store/postgres/connection.rs",
    "store/postgres/caution.rs",
    "store/postgres/pool.rs",
    "store/postgres/pooler.rs",
    "store/postgres/trust.rs",
    "store/postgres/pipeline.rs",
    "store/postgres/hot.rs",
    "store/postgres/apply.rs",
    "store/postgres/appends.rs",
    "store/postgres/batch.rs",
    "store/postgres/commit.rs",
    "store/postgres/outcomes.rs",
    // What nodes ask of each other; a file has one.
    "store/postgres/lease.rs",
    "store/postgres/heartbeat.rs",
    // Tables that are kept by day, and several nodes that would remove the same.
    "store/postgres/days/mod.rs",
    "store/postgres/days/part.rs",
    "store/postgres/days/made.rs",
    "store/postgres/days/gone.rs",
    "store/postgres/days/leftovers.rs",
    "store/postgres/turn.rs",
    "store/postgres/catalog_change.rs",
    "store/postgres/notice.rs",
    "store/postgres/throttle.rs",
    // A schema beside others, where a file would be another file.
    "store/postgres/scratch.rs",
];

/// Every name in `one` is in `other` as well, where both folders exist.
fn same_names(tree: &Tree, one: &str, other: &str, findings: &mut Vec<Finding>) {
    let names: BTreeSet<&str> =
        tree.under(other).map(|file| file.path.strip_prefix(other).unwrap_or_default()).collect();
    if names.is_empty() {
        return;
    }
    for file in tree.under(one) {
        let name = file.path.strip_prefix(one).unwrap_or_default();
        let is_alone = OF_ONE_ALONE.iter().any(|path| file.path.ends_with(path));
        if !names.contains(name) && !is_alone {
            let message = format!("{other} has no {name}: both dialects have the same files");
            findings.push(Finding::new(&file.path, 1, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn one_dialect_with_consecutive_numbers_passes() {
        let files = [
            ("crates/hookwright/migrations/sqlite/0001_start.sql", ""),
            ("crates/hookwright/migrations/sqlite/0002_leases.sql", ""),
            ("crates/hookwright/src/store/sqlite/ledger.rs", ""),
        ];
        assert_eq!(said(check, &files), [""; 0]);
    }

    #[test]
    fn a_gap_and_a_name_without_a_number_are_found() {
        let files = [
            ("crates/hookwright/migrations/postgres/start.sql", ""),
            ("crates/hookwright/migrations/sqlite/0001_start.sql", ""),
            ("crates/hookwright/migrations/sqlite/0003_leases.sql", ""),
        ];
        let said = said(check, &files);
        assert!(
            said.contains(
                &"crates/hookwright/migrations/sqlite/0003_leases.sql:1: the number 0003 is out of order: \
              here comes 0002"
                    .to_owned()
            )
        );
        assert!(
            said.contains(
                &"crates/hookwright/migrations/postgres/start.sql:1: a migration is named NNNN_name.sql: \
              call it 0001_….sql"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_file_that_only_one_dialect_has_is_found() {
        let files = [
            ("crates/hookwright/src/store/sqlite/ledger.rs", ""),
            ("crates/hookwright/src/store/sqlite/attempt.rs", ""),
            ("crates/hookwright/src/store/postgres/attempt.rs", ""),
        ];
        assert_eq!(
            said(check, &files),
            ["crates/hookwright/src/store/sqlite/ledger.rs:1: crates/hookwright/src/store/postgres/ has no \
              ledger.rs: both dialects have the same files"]
        );
    }
}
