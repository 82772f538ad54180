//! Queries of URLs without the values that may be credentials: every other byte stays as it came.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::domain::inbound::REDACTED;
use crate::domain::json_pointer::JsonPointer;

/// Names of parameters that hold credentials, in lower case and without what is neither letter nor digit.
const CREDENTIALS: [&str; 7] = ["key", "auth", "sig", "pass", "pwd", "jwt", "hmac"];

/// How such names end: `token` is the end of `access_token` and of `hub.verify_token`.
const CREDENTIAL_ENDINGS: [&str; 22] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "accesskey",
    "accountkey",
    "appkey",
    "authkey",
    "masterkey",
    "privatekey",
    "secretkey",
    "sharedkey",
    "subscriptionkey",
    "signature",
    "credential",
    "credentials",
    "authorization",
    "oauth",
    "sessionid",
    "sessid",
];

/// Of so many places between two `&` at which a name may begin, what follows is looked at to the end; of all others up to the next `;`.
/// A query is as long as the head of a request, and whoever sends one says how many `;` are in it.
const WHOLE_MAX: usize = 16;

/// Whether a parameter of this name mostly holds a credential. What signs is one here: in a URL it is mostly what lets others use that.
pub fn names_credential(name: &str) -> bool {
    let squeezed: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    // `token[0]` is a token too.
    let squeezed = squeezed.trim_end_matches(|digit: char| digit.is_ascii_digit());
    CREDENTIALS.contains(&squeezed) || CREDENTIAL_ENDINGS.iter().any(|ending| squeezed.ends_with(ending))
}

/// Whether this place of the description of a request without a body is, or has in it, the parameter of this name.
pub fn is_parameter(place: &JsonPointer, name: &str) -> bool {
    match place.tokens() {
        [query] => query == "query",
        [query, only, ..] => query == "query" && only == name,
        [] => false,
    }
}

/// The query as it is shown: without the values of parameters whose names are those of credentials.
pub fn shown_query(query: &str) -> Cow<'_, str> {
    redacted_query(query, |name, _| names_credential(name))
}

/// The query without the values that are to be taken out, as `takes_out` says by name and value: each becomes `[redacted]`. What has no
/// `=` is a value without a name.
pub fn redacted_query<'q>(query: &'q str, takes_out: impl Fn(&str, &str) -> bool) -> Cow<'q, str> {
    let kept: Vec<Cow<'_, str>> = query.split('&').map(|piece| redacted_piece(piece, &takes_out)).collect();
    match kept.iter().any(|piece| matches!(piece, Cow::Owned(_))) {
        true => Cow::Owned(kept.join("&")),
        false => Cow::Borrowed(query),
    }
}

/// What stands between two `&`. Some write a `;` for it, which is then within: what stands behind a name is its value to the end, since
/// that may have a `;` in it.
fn redacted_piece<'q>(piece: &'q str, takes_out: &impl Fn(&str, &str) -> bool) -> Cow<'q, str> {
    let starts = std::iter::once(0).chain(piece.match_indices(';').map(|(at, _)| at + 1));
    for (number, start) in starts.enumerate() {
        let rest = &piece[start..];
        let near = &rest[..rest.find(';').unwrap_or(rest.len())];
        let part = if number < WHOLE_MAX { rest } else { near };
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (decoded(name), decoded(value)),
            None => (String::new(), decoded(part)),
        };
        let is_own = takes_out(&name, &value);
        // Up to the next `;` it may be one as well.
        let until = value.split(';').next().unwrap_or_default();
        if is_own || (until.len() < value.len() && takes_out(&name, until)) {
            let begin = start + part.find('=').map_or(0, |equals| equals + 1);
            return Cow::Owned(format!("{}{REDACTED}", &piece[..begin]));
        }
    }
    Cow::Borrowed(piece)
}

/// What a name or value stands for.
fn decoded(text: &str) -> String {
    // A name alone is read as one, whatever is in it but `&` and `=`.
    let text = text.replace('=', "%3D");
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_known_however_they_are_written() {
        for name in [
            "apikey",
            "api_key",
            "API-Key",
            "x-api-key",
            "key",
            "key1",
            "token",
            "token[]",
            "token[0]",
            "access_token",
            "accessToken",
            "hub.verify_token",
            "client_secret",
            "secret",
            "password",
            "auth",
            "auth[token]",
            "oauth",
            "authorization",
            "sig",
            "signature",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "jwt",
            "PHPSESSID",
            "pwd",
        ] {
            assert!(names_credential(name), "{name}");
        }
        for name in [
            "",
            "id",
            "event",
            "order_key",
            "keyword",
            "tokenizer",
            "author",
            "signed_at",
            "hub.challenge",
            "status",
            "tx",
            "passenger",
            "design",
            "code",
            "monkey",
            "1",
        ] {
            assert!(!names_credential(name), "{name}");
        }
    }

    #[test]
    fn a_value_is_taken_out_and_every_other_byte_stays() {
        for (query, shown) in [
            ("id=7&token=abc&x=%20+", "id=7&token=[redacted]&x=%20+"),
            ("%74oken=a%26b&&=&x", "%74oken=[redacted]&&=&x"),
            ("token=a=b", "token=[redacted]"),
            ("token=", "token=[redacted]"),
            ("token", "token"),
            ("key=a;b;c&d=1", "key=[redacted]&d=1"),
            ("a=1;token=b;c=2&d=1", "a=1;token=[redacted]&d=1"),
            ("a=\u{e9}&secret=\u{e9}", "a=\u{e9}&secret=[redacted]"),
        ] {
            assert_eq!(shown_query(query), shown, "{query}");
            assert_eq!(shown_query(shown), shown, "{query}");
        }
        assert!(matches!(shown_query("id=7&a;b=c"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_looked_at_grows_with_the_query_and_not_with_its_square() {
        for piece in [";", "a;", "a=;", "a=b;"] {
            let query = format!("{}token=abc;x", piece.repeat(1 << 14));
            let (looked_at, calls) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
            let kept = redacted_query(&query, |name, value| {
                looked_at.set(looked_at.get() + name.len() + value.len());
                calls.set(calls.get() + 1);
                names_credential(name)
            });
            assert_eq!(kept, query.replace("token=abc;x", "token=[redacted]"));
            assert!(
                looked_at.get() < 40 * query.len(),
                "{piece}: {} bytes of {}",
                looked_at.get(),
                query.len()
            );
            assert!(calls.get() < 3 * query.len());
        }
    }

    #[test]
    fn a_value_is_known_whatever_its_name_and_without_one() {
        let kept = |query: &'static str| redacted_query(query, |_, value| value == "se=c ret").into_owned();
        assert_eq!(kept("a=se%3Dc+ret&b=se=c%20ret&c=1"), "a=[redacted]&b=[redacted]&c=1");
        assert_eq!(kept("se%3Dc+ret"), "[redacted]");
        assert_eq!(kept("a=se=c ret;b=2&c=se=c ret2"), "a=[redacted]&c=se=c ret2");
    }
}
