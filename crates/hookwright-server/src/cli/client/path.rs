//! The path of an operation, and what it names, so that an answer of "not found" can be told in the user's words.

use std::fmt::Write;

use url::form_urlencoded;

/// A path below a server's URL, with its query.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Path {
    text: String,
    query: String,
    names: Vec<Named>,
}

/// A thing that a path names.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// The kind, in the API's words.
    pub(super) thing: &'static str,
    pub(super) name: String,
}

impl Path {
    /// `/api/v1/app`
    pub(in crate::cli) fn applications() -> Path {
        Path::of("/api/v1/app")
    }

    /// `/api/v1/app/{app}`
    pub(in crate::cli) fn application(app: &str) -> Path {
        Path::applications().named("application", app)
    }

    /// `/api/v1/app/{app}/endpoint`
    pub(in crate::cli) fn endpoints(app: &str) -> Path {
        Path::application(app).then("endpoint")
    }

    /// `/api/v1/app/{app}/endpoint/{endpoint}`
    pub(in crate::cli) fn endpoint(app: &str, endpoint: &str) -> Path {
        Path::endpoints(app).named("endpoint", endpoint)
    }

    /// `/api/v1/app/{app}/msg`
    pub(in crate::cli) fn messages(app: &str) -> Path {
        Path::application(app).then("msg")
    }

    /// `/api/v1/app/{app}/msg/{message}`
    pub(in crate::cli) fn message(app: &str, message: &str) -> Path {
        Path::messages(app).named("message", message)
    }

    /// `/api/v1/app/{app}/msg/{message}/endpoint/{endpoint}/resend`
    pub(in crate::cli) fn resend(app: &str, message: &str, endpoint: &str) -> Path {
        Path::message(app, message).then("endpoint").named("endpoint", endpoint).then("resend")
    }

    /// `/api/v1/app/{app}/msg/{message}/attempt/{attempt}`
    pub(in crate::cli) fn attempt(app: &str, message: &str, attempt: &str) -> Path {
        Path::message(app, message).then("attempt").named("attempt", attempt)
    }

    /// `/api/v1/app/{app}/attempt/msg/{message}`
    pub(in crate::cli) fn attempts_of_message(app: &str, message: &str) -> Path {
        Path::application(app).then("attempt").then("msg").named("message", message)
    }

    /// `/api/v1/app/{app}/attempt/endpoint/{endpoint}`
    pub(in crate::cli) fn attempts_at_endpoint(app: &str, endpoint: &str) -> Path {
        Path::application(app).then("attempt").then("endpoint").named("endpoint", endpoint)
    }

    /// `/api/v1/event-type`
    pub(in crate::cli) fn event_types() -> Path {
        Path::of("/api/v1/event-type")
    }

    /// `/api/v1/event-type/{name}`
    pub(in crate::cli) fn event_type(name: &str) -> Path {
        Path::event_types().named("event type", name)
    }

    /// `/api/v1/background-task`
    pub(in crate::cli) fn tasks() -> Path {
        Path::of("/api/v1/background-task")
    }

    /// `/api/v1/background-task/{id}`
    pub(in crate::cli) fn task(id: &str) -> Path {
        Path::tasks().named("background task", id)
    }

    /// `/ingest/api/v1/source`
    pub(in crate::cli) fn sources() -> Path {
        Path::of("/ingest/api/v1/source")
    }

    /// `/ingest/api/v1/source/{source}`
    pub(in crate::cli) fn source(source: &str) -> Path {
        Path::sources().named("source", source)
    }

    /// `/api/v1/auth/{what}/{app}`
    pub(in crate::cli) fn access(what: &str, app: &str) -> Path {
        Path::of("/api/v1/auth").then(what).named("application", app)
    }

    /// One fixed word further.
    pub(in crate::cli) fn then(mut self, word: &str) -> Path {
        self.text.push('/');
        self.text.push_str(word);
        self
    }

    /// With this in the query.
    pub(in crate::cli) fn ask(mut self, name: &str, value: &str) -> Path {
        self.query = form_urlencoded::Serializer::new(self.query).append_pair(name, value).finish();
        self
    }

    /// With this in the query, if there is anything to ask.
    pub(in crate::cli) fn ask_if(self, name: &str, value: Option<impl AsRef<str>>) -> Path {
        match value {
            Some(value) => self.ask(name, value.as_ref()),
            None => self,
        }
    }

    pub(super) fn names(&self) -> &[Named] {
        &self.names
    }

    /// The URL at the server `base`, which has no slash at its end.
    pub(super) fn at(&self, base: &str) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{base}{}{mark}{}", self.text, self.query)
    }

    fn of(text: &str) -> Path {
        Path { text: text.to_owned(), query: String::new(), names: Vec::new() }
    }

    /// One name further, that of a `thing`.
    pub(in crate::cli) fn named(mut self, thing: &'static str, name: &str) -> Path {
        self.text.push('/');
        push_segment(&mut self.text, name);
        self.names.push(Named { thing, name: name.to_owned() });
        self
    }
}

/// Adds a part of a path; what nothing can be called is escaped, and refused by the server.
fn push_segment(path: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') => {
                path.push(char::from(byte))
            }
            b'.' if text.contains(|character| character != '.') => path.push('.'),
            byte => {
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    if text.is_empty() {
        // An empty part would make it another path.
        path.push_str("%20");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_the_path() {
        for (name, expected) in
            [("acme-1.2_3", "acme-1.2_3"), ("../x?y", "..%2Fx%3Fy"), ("..", "%2E%2E"), ("", "%20")]
        {
            assert_eq!(Path::application(name).at(""), format!("/api/v1/app/{expected}"));
        }
    }

    #[test]
    fn a_query_is_escaped() {
        let path = Path::messages("a").ask("tag", "x&y=z").ask_if("channel", None::<&str>).ask("limit", "5");
        assert_eq!(path.at("http://h"), "http://h/api/v1/app/a/msg?tag=x%26y%3Dz&limit=5");
    }
}
