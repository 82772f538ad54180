//! Signs requests as a provider does: for tests, and for trying a source out.

use super::config::{Check, SourceConfig};
use super::error::SignError;
use super::request::{Inbound, Signed};
use super::scheme::Find;

impl SourceConfig {
    /// What to send along with a request so that this source takes it at `now`, in seconds since 1970.
    ///
    /// The request gives the body, and the method and URL where they are signed; its headers count where an
    /// operator's template signs them. `id` is the message's, for providers that write one into a header.
    ///
    /// # Errors
    ///
    /// [`SignError`] if there is only a public key, if the URL or a proper id is missing, or if requests of
    /// this kind are not made at all.
    pub fn sign(&self, request: &Inbound<'_>, now: i64, id: &str) -> Result<Signed, SignError> {
        let mut signed = match &self.check {
            Check::Nothing => Signed::default(),
            Check::Cron => return Err(SignError::Unsigned),
            Check::Token(token) => one(token.sign()),
            Check::Password(password) => one(password.sign()),
            Check::ClientId(client) => one(client.sign()),
            Check::Ed25519(published) => published.sign(request, now)?,
            Check::Mac { recipe, .. } => recipe.sign(request, now)?,
            Check::Svix { names, secret, .. } => {
                let secret = secret.as_ref().ok_or(SignError::PublicKey)?;
                let seconds = now.max(0).unsigned_abs();
                let signature = crate::sign(secret, id, seconds, request.body)?;
                // Those who sign by Svix write its names, which come last.
                let names = names.last().copied().unwrap_or(crate::HeaderNames::Standard);
                let headers = [
                    (names.id(), id.to_owned()),
                    (names.timestamp(), seconds.to_string()),
                    (names.signature(), signature),
                ];
                let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                Signed { headers, query: Vec::new() }
            }
        };
        if let Find::Header(name) = self.kind.0.id {
            signed.headers.push((name.to_owned(), id.to_owned()));
        }
        Ok(signed)
    }
}

fn one(header: (String, String)) -> Signed {
    Signed { headers: vec![header], query: Vec::new() }
}
