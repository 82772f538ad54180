//! The query of a request: names and values, each read with an error that names it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use hookwright::domain::time::Timestamp;
use http::Uri;
use http::request::Parts;
use url::form_urlencoded;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, ParameterIn};

use crate::api::error::{ApiError, FieldError};
use crate::api::time;
use crate::nearest::nearest;

/// How much is repeated of a name that nobody knows, in characters.
const NAME_MAX: usize = 100;

/// The pairs of a query, in their order.
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Infallible> {
        Ok(Query::of(&parts.uri))
    }
}

/// The names that the query of an operation may have, as its documentation lists them.
///
/// Another one is refused: a filter that is not there would answer with everything, and nobody would notice.
#[derive(Clone)]
pub(crate) struct KnownNames(Arc<[String]>);

impl KnownNames {
    /// Those of this operation.
    pub(crate) fn of(operation: &Operation) -> KnownNames {
        let parameters = operation.parameters.iter().flatten();
        let in_query = parameters.filter_map(|parameter| match parameter {
            RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
                Some(parameter.name.clone())
            }
            _ => None,
        });
        KnownNames(in_query.collect())
    }

    /// 422 if `query` has a name that is none of these.
    pub(crate) fn check(&self, query: &str) -> Result<(), ApiError> {
        for (name, _) in form_urlencoded::parse(query.as_bytes()) {
            if !self.0.iter().any(|known| *known == name) {
                return Err(self.unknown(&name));
            }
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> ApiError {
        let name: String = name.chars().take(NAME_MAX).collect();
        let nearest = nearest(&name, self.0.iter().cloned());
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
        Query(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The value of this name; an empty one counts as none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of this name: it may be repeated, and each may hold several, with commas between them.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.iter().filter(move |(key, _)| key == name);
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
    let loc = vec![Cow::Borrowed("query"), Cow::Borrowed(name)];
    ApiError::invalid(vec![FieldError { loc, msg: format!("{name} {why}."), kind: "value_error" }])
}
