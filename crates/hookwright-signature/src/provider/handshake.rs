//! The ways of providers to ask whether somebody is there, which are no events.

use serde_json::json;
use zeroize::Zeroizing;

use super::credentials::equal;
use super::error::Refused;
use super::facts::text_at;
use super::recipe::Recipe;
use super::request::{Answer, Inbound};
use super::scheme::Handshake;

/// Answers a signed request that is a handshake; `None` for every other.
pub(super) fn of_signed(handshake: Handshake, request: &Inbound<'_>, recipe: &Recipe) -> Option<Answer> {
    let is = |name: &str, value: &str| text_at(request.body, &[name]).as_deref() == Some(value);
    match handshake {
        Handshake::Zoom if is("event", "endpoint.url_validation") => {
            let plain = text_at(request.body, &["payload", "plainToken"])?;
            let body = json!({ "plainToken": plain, "encryptedToken": recipe.tag_of(&plain) });
            Some(Answer {
                status: 200,
                content_type: "application/json",
                body: body.to_string().into_bytes(),
            })
        }
        Handshake::Slack if is("type", "url_verification") => {
            let challenge = text_at(request.body, &["challenge"])?;
            Some(Answer { status: 200, content_type: "text/plain", body: challenge.into_bytes() })
        }
        Handshake::Zoom | Handshake::Slack | Handshake::Meta => None,
    }
}

/// Answers Meta's `GET`, which is not signed but holds the token that the operator gave Meta.
pub(super) fn of_meta(request: &Inbound<'_>, verify_token: &str) -> Result<Answer, Refused> {
    let value = |name| request.parameter(name).map(decoded);
    let token = value("hub.verify_token").map_err(|_| Refused::WrongVerifyToken)?;
    if !equal(&token, verify_token.as_bytes()) {
        return Err(Refused::WrongVerifyToken);
    }
    if *value("hub.mode")? != *b"subscribe" {
        return Err(Refused::Malformed { place: "query parameter hub.mode".to_owned() });
    }
    let body = value("hub.challenge")?.to_vec();
    Ok(Answer { status: 200, content_type: "text/plain", body })
}

/// Resolves `%2F` and `+`; what is no such escape stays as it is.
fn decoded(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (b'%', rest.get(1..).unwrap_or_default()),
            },
            (b'+', after) => (b' ', after),
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
