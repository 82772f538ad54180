//! The URL of a PostgreSQL database, which may hold a password, and so is shown without it.

use std::fmt;

use url::Url;
use zeroize::Zeroizing;

/// Where a PostgreSQL database is, and who we are there. Whether it can be understood is found when it is opened.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Zeroizing<String>);

impl PostgresUrl {
    /// A URL as it was set.
    pub fn new(text: &str) -> PostgresUrl {
        PostgresUrl(Zeroizing::new(text.to_owned()))
    }

    /// The URL with its password.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same database, with everything in this schema, whose name is a plain word.
    pub(crate) fn in_schema(&self, schema: &str) -> PostgresUrl {
        let option = format!("-csearch_path%3D{schema}");
        let (before, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let mut pairs: Vec<String> =
            query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
        match pairs.iter_mut().find(|pair| pair.starts_with("options=")) {
            // The last one counts.
            Some(options) => options.push_str(&format!("%20{option}")),
            None => pairs.push(format!("options={option}")),
        }
        PostgresUrl::new(&format!("{before}?{}", pairs.join("&")))
    }
}

impl fmt::Display for PostgresUrl {
    /// Writes where the database is, for people: scheme, host, port and path, whatever else is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(url) = Url::parse(&self.0) else { return f.write_str("postgres://…") };
        write!(f, "postgres://{}", url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_put_behind_what_else_is_asked_for() {
        for (url, expected) in [
            ("postgres://a@b/c", "postgres://a@b/c?options=-csearch_path%3Dx"),
            (
                "postgres://a@b/c?sslmode=require",
                "postgres://a@b/c?sslmode=require&options=-csearch_path%3Dx",
            ),
            (
                "postgres://b/c?options=-cjit%3Doff&d=e",
                "postgres://b/c?options=-cjit%3Doff%20-csearch_path%3Dx&d=e",
            ),
        ] {
            assert_eq!(PostgresUrl::new(url).in_schema("x").expose(), expected);
        }
    }

    #[test]
    fn neither_the_password_nor_the_query_is_shown() {
        let url =
            PostgresUrl::new("postgres://anna:hidden@db.example:5433/hooks?password=hidden&sslmode=require");
        assert_eq!(
            format!("{url} {url:?}"),
            "postgres://db.example:5433/hooks postgres://db.example:5433/hooks"
        );
        assert_eq!(PostgresUrl::new("postgres://anna:hidden@:x/").to_string(), "postgres://…");
    }
}
