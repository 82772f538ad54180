//! What a source is given to verify with: read from its fields, kept without ever showing it.

use std::fmt;

use zeroize::Zeroizing;

use super::TOLERANCE_SECONDS;
use super::credentials::{ClientId, Password, Token};
use super::ed25519::Published;
use super::error::ConfigError;
use super::fields::Fields;
use super::kind::SourceKind;
use super::mac::{Algorithm, Encoding, Mac};
use super::recipe::Recipe;
use super::scheme::{Handshake, MacRow, Place, Proof, Time};
use super::template::{Template, is_header_name};
use crate::{HeaderNames, Secret, Verifier};

/// A kind and its secrets: make it once, share it, and verify every request with it.
///
/// Its `Debug` says the kind and nothing else, and its secrets are wiped when it is dropped.
pub struct SourceConfig {
    pub(super) kind: SourceKind,
    pub(super) check: Check,
    /// What else it takes: mostly the same with the secret of before.
    pub(super) older: Vec<SourceConfig>,
}

/// The proof of the kind's row, with the secrets filled in.
pub(super) enum Check {
    Nothing,
    Cron,
    Svix { names: &'static [HeaderNames], verifier: Verifier, secret: Option<Secret> },
    Mac { recipe: Recipe, verify_token: Option<Zeroizing<String>> },
    Ed25519(Published),
    Token(Token),
    Password(Password),
    ClientId(ClientId),
}

impl SourceConfig {
    /// Reads the fields of a kind, [as it names them](SourceKind::fields); numbers are written in digits, and
    /// what is `null` is left out.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the field: it is missing, empty, unknown, or not of its form. A kind whose scheme
    /// is not established is refused under the field `type`.
    pub fn parse<N: AsRef<str>, V: AsRef<str>>(
        kind: SourceKind,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError> {
        Self::read(kind, Fields::new(fields)?, false)
    }

    /// Like [`SourceConfig::parse`] for whoever plays the provider: kinds with a `publicKey` take the
    /// `privateKey` instead, the base64 of its 32 bytes.
    ///
    /// # Errors
    ///
    /// As [`SourceConfig::parse`].
    pub fn parse_signing<N: AsRef<str>, V: AsRef<str>>(
        kind: SourceKind,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError> {
        Self::read(kind, Fields::new(fields)?, true)
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// Takes what `older` takes as well, while the provider moves from one secret to the next. What signs is
    /// this one alone, and so is what a refusal speaks of.
    #[must_use]
    pub fn or(mut self, older: SourceConfig) -> Self {
        self.older.push(older);
        self
    }

    fn read(kind: SourceKind, mut fields: Fields, signing: bool) -> Result<Self, ConfigError> {
        let check = match &kind.0.proof {
            Proof::Unknown(instead) => {
                return Err(ConfigError::new("type", format!("{kind} is not verifiable yet: {instead}")));
            }
            Proof::Unsigned => Check::Nothing,
            Proof::Cron => {
                fields.need("schedule")?;
                fields.take("payload").ok_or_else(|| ConfigError::new("payload", "is missing"))?;
                fields.take("contentType");
                Check::Cron
            }
            Proof::Svix { names, .. } => svix(names, &fields.need("secret")?)?,
            Proof::Mac(row) => Check::Mac {
                recipe: of_row(row, &mut fields)?,
                verify_token: match kind.0.handshake {
                    Some(Handshake::Meta) => Some(fields.need("verifyToken")?),
                    _ => None,
                },
            },
            Proof::Ed25519 { signature, signed, time } => {
                let template = Template::of_row(signed).map_err(|why| ConfigError::new("type", why))?;
                Check::Ed25519(if signing {
                    Published::signing(&fields.need("privateKey")?, signature, template, *time)?
                } else {
                    Published::new(&fields.need("publicKey")?, signature, template, *time)?
                })
            }
            Proof::AdobeClientId => Check::ClientId(ClientId::parse(&mut fields)?),
            Proof::OwnToken => Check::Token(Token::parse(&mut fields)?),
            Proof::BasicAuth => Check::Password(Password::parse(&mut fields)?),
            Proof::OwnHmac => Check::Mac { recipe: of_operator(&mut fields)?, verify_token: None },
        };
        fields.finish(kind.as_str())?;
        Ok(Self { kind, check, older: Vec::new() })
    }
}

fn svix(names: &'static [HeaderNames], text: &str) -> Result<Check, ConfigError> {
    let verifier = Verifier::parse(text).map_err(|error| ConfigError::new("secret", error.to_string()))?;
    // Of several, as while the provider rotates, the first signs.
    let secret = text.split_whitespace().next().and_then(|first| Secret::parse(first).ok());
    Ok(Check::Svix { names, verifier, secret })
}

fn of_row(row: &MacRow, fields: &mut Fields) -> Result<Recipe, ConfigError> {
    let secret = fields.need("secret")?;
    if row.ascii_secret && !secret.is_ascii() {
        return Err(ConfigError::new(
            "secret",
            "has letters beyond ASCII, which this provider rewrites: change it",
        ));
    }
    let mut tolerance = TOLERANCE_SECONDS;
    if let Some(grace) = fields.take("timestampGraceSeconds") {
        tolerance = grace
            .parse::<u32>()
            .map_err(|_| ConfigError::new("timestampGraceSeconds", "is no whole number of seconds"))?
            .into();
    }
    Ok(Recipe {
        mac: keyed(row.algorithm, &secret)?,
        encoding: row.encoding,
        place: match row.place {
            Place::Header(name) => Place::Header(name.to_owned()),
            Place::Numbered(name) => Place::Numbered(name.to_owned()),
            Place::List { header, entry } => Place::List { header: header.to_owned(), entry },
            Place::Query(name) => Place::Query(name.to_owned()),
        },
        prefix: row.prefix.to_owned(),
        template: Template::of_row(row.signed).map_err(|why| ConfigError::new("type", why))?,
        time: row.time,
        tolerance,
    })
}

fn of_operator(fields: &mut Fields) -> Result<Recipe, ConfigError> {
    let header = fields.need("header")?.to_ascii_lowercase();
    if !is_header_name(&header) {
        return Err(ConfigError::new("header", "is no name of a header"));
    }
    let secret = fields.need("secret")?;
    let word = |field: Option<Zeroizing<String>>| field.map(|text| text.to_ascii_lowercase());
    let algorithm = match word(fields.take("algorithm")).as_deref() {
        Some("sha1") => Algorithm::Sha1,
        None | Some("sha256") => Algorithm::Sha256,
        Some("sha512") => Algorithm::Sha512,
        Some(_) => return Err(ConfigError::new("algorithm", "is none of sha1, sha256 and sha512")),
    };
    let encoding = match word(fields.take("encoding")).as_deref() {
        None | Some("hex") => Encoding::Hex,
        Some("base64") => Encoding::Base64,
        Some(_) => return Err(ConfigError::new("encoding", "is neither hex nor base64")),
    };
    let signed = fields.take("signed");
    let template = Template::of_operator(signed.as_ref().map_or("{body}", |text| text.as_str()))
        .map_err(|why| ConfigError::new("signed", why))?;
    if template.headers().any(|name| name == header) {
        return Err(ConfigError::new("signed", "contains the header of the signature itself"));
    }
    Ok(Recipe {
        mac: keyed(algorithm, &secret)?,
        encoding,
        place: Place::Header(header),
        prefix: fields.take("prefix").map(|text| text.to_string()).unwrap_or_default(),
        template,
        time: Time::None,
        tolerance: TOLERANCE_SECONDS,
    })
}

fn keyed(algorithm: Algorithm, secret: &str) -> Result<Mac, ConfigError> {
    Mac::new(algorithm, secret.as_bytes()).ok_or_else(|| ConfigError::new("secret", "cannot be a key"))
}

impl fmt::Debug for SourceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceConfig({}, redacted)", self.kind)
    }
}
