//! Where secrets are: the columns that are encrypted, under the names that they are encrypted for.

pub(super) const HEADERS: &str = "endpoint.headers";
pub(super) const SECRET: &str = "endpoint.secret";
pub(super) const OLD_SECRETS: &str = "endpoint.old_secrets";
pub(super) const CONFIG: &str = "source.config";
pub(super) const SETTINGS: &str = "source.settings";
pub(super) const TOKEN: &str = "source_token.token";

/// A table with secrets.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Its primary key, all of it bytes.
    pub(super) key: &'static [&'static str],
    /// Columns with secrets, and their full names.
    pub(super) columns: &'static [(&'static str, &'static str)],
}

/// Asks whether any of these values is encrypted.
pub(super) fn is_any_sealed() -> String {
    is_any(|column| format!("{column} LIKE 'sealed:%'"))
}

/// Asks whether any of these values is in clear.
pub(super) fn is_any_clear() -> String {
    is_any(|column| format!("{column} NOT LIKE 'sealed:%' AND {column} NOT IN ('[]', '{{}}')"))
}

fn is_any(is_one: impl Fn(&str) -> String) -> String {
    let columns =
        TABLES.iter().flat_map(|table| table.columns.iter().map(move |(column, _)| (table.name, *column)));
    let each = columns
        .map(|(table, column)| format!("EXISTS (SELECT 1 FROM {table} WHERE {})", is_one(column)))
        .collect::<Vec<_>>();
    format!("SELECT {}", each.join(" OR "))
}

/// All of them.
pub(super) const TABLES: [Table; 3] = [
    Table {
        name: "endpoint",
        key: &["application", "id"],
        columns: &[("headers", HEADERS), ("secret", SECRET), ("old_secrets", OLD_SECRETS)],
    },
    Table { name: "source", key: &["id"], columns: &[("config", CONFIG), ("settings", SETTINGS)] },
    Table { name: "source_token", key: &["hash"], columns: &[("token", TOKEN)] },
];
