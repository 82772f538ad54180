//! The query of a request: names and values, each read with an error that names it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use hookwright::domain::time::Timestamp;
use http::Uri;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, ParameterIn};

use crate::api::error::{ApiError, FieldError};
use crate::api::time;
use crate::nearest::nearest;

/// How much is repeated of a name that nobody knows, in characters.
const NAME_MAX: usize = 100;

/// The pairs of a query, in their order, and what it was asked of.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    uri: Uri,
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Infallible> {
        // A router that is nested takes its own part of the path away.
        let whole = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
        Ok(Query::of(whole))
    }
}

/// The names that the query of an operation may have, as its documentation lists them.
///
/// Another one is refused: a filter that is not there would answer with everything, and nobody would notice.
#[derive(Clone)]
pub(crate) struct KnownNames(Arc<[Known]>);

struct Known {
    name: String,
    /// Whether it may be given several times.
    is_list: bool,
}

impl KnownNames {
    /// Those of this operation.
    pub(crate) fn of(operation: &Operation) -> KnownNames {
        let parameters = operation.parameters.iter().flatten();
        let in_query = parameters.filter_map(|parameter| match parameter {
            RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
                let schema = parameter.schema.as_ref().and_then(|schema| serde_json::to_value(schema).ok());
                let is_list = schema.is_some_and(|schema| !schema["items"].is_null());
                Some(Known { name: parameter.name.clone(), is_list })
            }
            _ => None,
        });
        KnownNames(in_query.collect())
    }

    /// 422 if `query` has a name that is none of these, one without a value or with one that is no text, or one twice that has
    /// one value.
    pub(crate) fn check(&self, query: &str) -> Result<(), ApiError> {
        let mut given = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = form_urlencoded::parse(pair.as_bytes()).next() else { continue };
            let Some(known) = self.0.iter().find(|known| known.name == name) else {
                return Err(self.unknown(&name));
            };
            if value.is_empty() {
                return Err(unusable(name, "is empty; give it a value, or leave it out"));
            }
            // The parser puts a character of its own in the place of what is none.
            if percent_decode_str(pair).decode_utf8().is_err() {
                return Err(unusable(name, "is not UTF-8 once its escapes are read"));
            }
            if !known.is_list && given.contains(&name) {
                return Err(unusable(name, "is given twice"));
            }
            given.push(name);
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> ApiError {
        let name: String = name.chars().take(NAME_MAX).collect();
        let nearest = nearest(&name, self.0.iter().map(|known| known.name.clone()));
        let meant = nearest.map(|known| format!(" Did you mean {known}?")).unwrap_or_default();
        let msg = format!("{name} is no query parameter of this operation.{meant}");
        let loc = vec![Cow::Borrowed("query"), Cow::Owned(name)];
        ApiError::invalid(vec![FieldError { loc, msg, kind: "extra_forbidden" }])
    }
}

impl Query {
    /// The query of this URI.
    pub(crate) fn of(uri: &Uri) -> Query {
        let query = uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Query { pairs, uri: uri.clone() }
    }

    /// The path that it was asked of.
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The value of this name; an empty one counts as none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of this name: it may be repeated, and each may hold several, with commas between them.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.pairs.iter().filter(move |(key, _)| key == name);
        values.flat_map(|(_, value)| value.split(',')).filter(|value| !value.is_empty())
    }

    /// Whether this is `true`; `default` if it is not given.
    pub(crate) fn flag(&self, name: &'static str, default: bool) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(default),
            Some("true" | "True" | "1") => Ok(true),
            Some("false" | "False" | "0") => Ok(false),
            Some(_) => Err(refused(name, "must be true or false")),
        }
    }

    /// The number that this is, if given.
    pub(crate) fn number<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, ApiError> {
        let read = |value: &str| value.parse().map_err(|_| refused(name, "must be a whole number in range"));
        self.get(name).map(read).transpose()
    }

    /// The point in time that this is, if given.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, ApiError> {
        let read = |value: &str| time::parse(value).ok_or_else(|| refused(name, time::WANTED));
        self.get(name).map(read).transpose()
    }

    /// What `parse` makes of this, if given.
    pub(crate) fn parsed<T, E: Display>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ApiError> {
        self.get(name).map(|value| parse(value).map_err(|error| refused(name, error))).transpose()
    }
}

/// 422: the value of this name cannot be used; `why` goes on where the name begins a sentence.
pub(crate) fn refused(name: &'static str, why: impl Display) -> ApiError {
    unusable(Cow::Borrowed(name), why)
}

fn unusable(name: Cow<'_, str>, why: impl Display) -> ApiError {
    let loc = vec![Cow::Borrowed("query"), Cow::Owned(name.clone().into_owned())];
    ApiError::invalid(vec![FieldError { loc, msg: format!("{name} {why}."), kind: "value_error" }])
}
