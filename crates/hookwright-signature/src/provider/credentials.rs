//! What is sent along as it is, without a signature: tokens and passwords.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::error::{ConfigError, Refused};
use super::fields::Fields;
use super::request::{Answer, Inbound, Verified, header};
use super::template::is_header_name;

/// Where Adobe Sign writes the client's id, and wants to read it again.
const ADOBE_HEADER: &str = "x-adobesign-clientid";

/// A header and what it must hold.
pub(super) struct Token {
    /// As it is configured: refusals name it so.
    header: String,
    token: Zeroizing<String>,
}

impl Token {
    pub(super) fn parse(fields: &mut Fields) -> Result<Self, ConfigError> {
        let header = fields.need("header")?.to_string();
        if !is_header_name(&header) {
            return Err(ConfigError::new("header", "is no name of a header"));
        }
        Ok(Self { header, token: fields.need("token")? })
    }

    pub(super) fn verify(&self, request: &Inbound<'_>) -> Result<(), Refused> {
        match request.header(&self.header) {
            Ok(value) if equal(value, self.token.as_bytes()) => Ok(()),
            _ => Err(Refused::WrongToken { header: self.header.clone() }),
        }
    }

    pub(super) fn sign(&self) -> (String, String) {
        (self.header.to_ascii_lowercase(), self.token.to_string())
    }
}

/// User name and password as RFC 7617 joins them.
pub(super) struct Password(Zeroizing<Vec<u8>>);

impl Password {
    pub(super) fn parse(fields: &mut Fields) -> Result<Self, ConfigError> {
        let (name, password) = (fields.need("username")?, fields.need("password")?);
        if name.contains(':') {
            return Err(ConfigError::new("username", "contains a colon, which would end it"));
        }
        let mut joined = Zeroizing::new(Vec::with_capacity(name.len() + 1 + password.len()));
        joined.extend_from_slice(name.as_bytes());
        joined.push(b':');
        joined.extend_from_slice(password.as_bytes());
        Ok(Self(joined))
    }

    pub(super) fn verify(&self, request: &Inbound<'_>) -> Result<(), Refused> {
        let value = request.header("authorization")?;
        let malformed = || Refused::Malformed { place: header("authorization") };
        let (scheme, encoded) = value.split_at_checked(6).ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return Err(malformed());
        }
        let given = STANDARD.decode(encoded.trim_ascii()).map(Zeroizing::new).map_err(|_| malformed())?;
        if equal(&given, &self.0) { Ok(()) } else { Err(Refused::WrongPassword) }
    }

    pub(super) fn sign(&self) -> (String, String) {
        ("authorization".to_owned(), format!("Basic {}", STANDARD.encode(&*self.0)))
    }
}

/// The id of Adobe Sign's application, which both sides repeat.
pub(super) struct ClientId(Zeroizing<String>);

impl ClientId {
    pub(super) fn parse(fields: &mut Fields) -> Result<Self, ConfigError> {
        fields.need("clientId").map(Self)
    }

    /// A `GET` asks whether somebody is there; a `POST` is an event, delivered only if it is answered alike.
    pub(super) fn verify(&self, request: &Inbound<'_>) -> Result<Verified, Refused> {
        if !equal(request.header(ADOBE_HEADER)?, self.0.as_bytes()) {
            return Err(Refused::Mismatch);
        }
        let body = serde_json::json!({ "xAdobeSignClientId": *self.0 }).to_string().into_bytes();
        let answer = Some(Answer { status: 200, content_type: "application/json", body });
        Ok(if request.method == "GET" {
            Verified { handshake: answer, ..Verified::default() }
        } else {
            Verified { reply: answer, ..Verified::default() }
        })
    }

    pub(super) fn sign(&self) -> (String, String) {
        (ADOBE_HEADER.to_owned(), self.0.to_string())
    }
}

/// Takes as long wherever the first difference is; only the length shows.
pub(super) fn equal(given: &[u8], expected: &[u8]) -> bool {
    given.ct_eq(expected).into()
}
