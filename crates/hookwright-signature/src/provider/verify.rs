//! Decides whether a request comes from a source's provider.

use super::config::{Check, SourceConfig};
use super::error::Refused;
use super::facts;
use super::handshake;
use super::request::{Inbound, Verified, header};
use super::scheme::Handshake;
use crate::{HeaderNames, Verifier, VerifyError};

impl SourceConfig {
    /// Checks a request that arrives at `now`, in seconds since 1970.
    ///
    /// A signature is compared in constant time, and over the bytes of the body as they came. What carries the
    /// proof must be there once. Where the scheme signs a timestamp, it may be off by
    /// [`TOLERANCE_SECONDS`](super::TOLERANCE_SECONDS) either way.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why, for the log of the source's owner; whoever called should learn no more than its
    /// [status](Refused::status).
    pub fn verify(&self, request: &Inbound<'_>, now: i64) -> Result<Verified, Refused> {
        let verified = self.verify_current(request, now);
        verified.or_else(|refused| {
            self.older.iter().find_map(|older| older.verify(request, now).ok()).ok_or(refused)
        })
    }

    fn verify_current(&self, request: &Inbound<'_>, now: i64) -> Result<Verified, Refused> {
        let mut verified = Verified::default();
        match &self.check {
            Check::Nothing => {}
            Check::Cron => return Err(Refused::ReceivesNothing),
            Check::Token(token) => token.verify(request)?,
            Check::Password(password) => password.verify(request)?,
            Check::ClientId(id) => verified = id.verify(request)?,
            Check::Ed25519(published) => verified.freshness = published.verify(request, now)?,
            Check::Svix { names, verifier, .. } => {
                let (id, freshness) = standard(names, verifier, request, now)?;
                (verified.id, verified.freshness) = (Some(id), freshness);
            }
            Check::Mac { verify_token: Some(token), .. } if request.method == "GET" => {
                verified.handshake = Some(handshake::of_meta(request, token)?);
                return Ok(verified);
            }
            Check::Mac { recipe, .. } => {
                verified.freshness = recipe.verify(request, now)?;
                let way: Option<Handshake> = self.kind.0.handshake;
                verified.handshake = way.and_then(|way| handshake::of_signed(way, request, recipe));
            }
        }
        if verified.id.is_none() {
            verified.id = facts::find(request, &self.kind.0.id)?;
        }
        verified.event_type = facts::find(request, &self.kind.0.event)?;
        Ok(verified)
    }
}

/// Standard Webhooks under some of its names: the message's id, and the signatures.
fn standard(
    names: &[HeaderNames],
    verifier: &Verifier,
    request: &Inbound<'_>,
    now: i64,
) -> Result<(String, Option<String>), Refused> {
    let all = names.iter().flat_map(|names| [names.id(), names.timestamp(), names.signature()]);
    let allowed: Vec<&str> = all.collect();
    for name in &allowed {
        match request.header(name) {
            Ok(_) | Err(Refused::Missing { .. }) => {}
            Err(refused) => return Err(refused),
        }
    }
    let look = |name: &'static str| allowed.contains(&name).then(|| request.headers.nth(name, 0)).flatten();
    let now = u64::try_from(now).unwrap_or(0);
    match verifier.verify_at(look, request.body, now) {
        // The id is what duplicates are told by, and its timestamp is signed with it.
        Ok(verified) => Ok((verified.id, None)),
        // The verifier names the first header it knows, which this kind may not read.
        Err(VerifyError::MissingHeader { name }) if !allowed.contains(&name) => {
            Err(Refused::Missing { place: header(allowed.first().copied().unwrap_or(name)) })
        }
        Err(error) => Err(error.into()),
    }
}
