//! What a server says when it refuses, in sentences: what, why, and what to do.

use http::StatusCode;
use serde::Deserialize;

use super::path::{Named, Path};
use crate::cli::failure::Failure;

/// The body of a refusal.
#[derive(Deserialize)]
struct Refusal {
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Detail {
    Sentence(String),
    Fields(Vec<Field>),
}

/// A value that cannot be used.
#[derive(Deserialize)]
struct Field {
    #[serde(default)]
    loc: Vec<String>,
    msg: String,
}

/// What to tell the user about an answer that is no success.
pub(super) fn refused(base: &str, path: &Path, status: StatusCode, body: &[u8]) -> Failure {
    let detail = serde_json::from_slice::<Refusal>(body).ok().map(|refusal| refusal.detail.in_words());
    let said = detail.as_deref().unwrap_or_default();
    match status {
        StatusCode::UNAUTHORIZED => Failure::new(format!(
            "The server at {base} does not take the access token: 401 Unauthorized."
        ))
        .advise("Is HOOKWRIGHT_API_TOKEN, --token, --token-file or the profile's token one of this server?"),
        StatusCode::FORBIDDEN => {
            Failure::new(format!("The access token may not do this: 403 Forbidden, {said}."))
                .advise("Use one that is good for everything; `hookwright token create` makes them.")
        }
        StatusCode::NOT_FOUND => match missing(path.names(), said) {
            Some(failure) => failure,
            None => Failure::new(format!("The server at {base} has nothing there: 404 Not Found."))
                .advise("Is this the address of a Hookwright server, without a path?"),
        },
        StatusCode::NOT_IMPLEMENTED => {
            Failure::new(format!("The server at {base} cannot do this yet: 501 Not Implemented."))
        }
        status if status.is_redirection() => {
            Failure::new(format!("The server at {base} sends us elsewhere, with {status}."))
                .advise("Name the address itself; is it https?")
        }
        status if said.is_empty() => Failure::new(format!("The server refused with {status}.")),
        status => Failure::new(format!("The server refused with {status}: {said}.")),
    }
}

/// The thing that is not there, if the server says which kind of those that the path names it is.
fn missing(names: &[Named], said: &str) -> Option<Failure> {
    let thing = said.strip_prefix("There is no such ")?;
    let at = names.iter().position(|named| named.thing == thing)?;
    let Named { name, .. } = &names[at];
    // All but applications, event types, sources and tasks are in an application, which comes first.
    let within = match names.first().filter(|_| at > 0) {
        Some(outer) => format!(" in the {} {}", outer.thing, outer.name),
        None => String::new(),
    };
    let failure = Failure::new(format!("There is no {thing} {name}{within}: 404 Not Found."));
    // Or the source.
    let app = names.first().map_or("", |named| named.name.as_str());
    Some(match thing {
        "application" => failure.advise("`hookwright application list` shows those that are there."),
        "event type" => failure.advise("`hookwright event-type list` shows those that are there."),
        // Endpoints of a source are told by the API alone.
        "endpoint" if names.first().is_some_and(|outer| outer.thing == "source") => failure,
        "endpoint" => {
            failure.advise(&format!("`hookwright endpoint list --app {app}` shows those that are there."))
        }
        "message" => {
            failure.advise(&format!("`hookwright message list --app {app}` shows those that are there."))
        }
        "request" => failure.advise(&format!("`hookwright source log {app}` shows those that are there.")),
        "source" => failure.advise("`hookwright source list` shows those that are there."),
        "background task" => failure.advise("`hookwright task list` shows those that are there."),
        _ => failure,
    })
}

impl Detail {
    /// Without a full stop at the end.
    fn in_words(self) -> String {
        let text = match self {
            Detail::Sentence(sentence) => sentence,
            Detail::Fields(fields) => {
                fields.iter().map(Field::in_words).collect::<Vec<String>>().join("; and ")
            }
        };
        text.trim().trim_end_matches('.').to_owned()
    }
}

impl Field {
    fn in_words(&self) -> String {
        let msg = self.msg.trim().trim_end_matches('.');
        // The first part says only that it is in the body or the query.
        match self.loc.get(1..).filter(|names| !names.is_empty()) {
            Some(names) if !names.last().is_some_and(|name| msg.contains(name.as_str())) => {
                format!("{}: {msg}", names.join("."))
            }
            _ => msg.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &Path, status: u16, body: &str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        refused("http://h", path, status, body.as_bytes()).to_string()
    }

    #[test]
    fn details_become_sentences() {
        let body = r#"{"detail":[
            {"loc":["body","since"],"msg":"since must be at most 14 days ago","type":"value_error"},
            {"loc":["body","headers","x"],"msg":"is not a header.","type":"value_error"}]}"#;
        let expected = "The server refused with 422 Unprocessable Entity: since must be at most 14 days ago; and \
                        headers.x: is not a header.";
        assert_eq!(told(&Path::applications(), 422, body), expected);
        let body = r#"{"code":"conflict","detail":"The uid is taken by another application."}"#;
        let expected = "The server refused with 409 Conflict: The uid is taken by another application.";
        assert_eq!(told(&Path::applications(), 409, body), expected);
        assert_eq!(
            told(&Path::applications(), 500, "<html>"),
            "The server refused with 500 Internal Server Error."
        );
    }

    #[test]
    fn what_is_not_there_is_named() {
        let path = Path::endpoint("acme", "main");
        let said = told(&path, 404, r#"{"detail":"There is no such endpoint."}"#);
        assert!(
            said.starts_with("There is no endpoint main in the application acme: 404 Not Found."),
            "{said}"
        );
        let said = told(&path, 404, r#"{"detail":"There is no such application."}"#);
        assert!(said.starts_with("There is no application acme: 404 Not Found."), "{said}");
        assert!(told(&path, 404, "nginx").starts_with("The server at http://h has nothing there"));
    }
}
