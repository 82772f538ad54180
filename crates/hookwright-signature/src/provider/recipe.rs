//! Verifies and makes the HMAC of one source, as its row of the table or its operator describes it.

use zeroize::Zeroizing;

use super::error::{Refused, SignError};
use super::mac::{Encoding, Mac};
use super::request::{Inbound, Signed, header};
use super::scheme::{Place, Time, Unit};
use super::template::{Filling, Template};
use crate::header::MAX_SIGNATURES;
use crate::standard::parse_timestamp;

/// Everything that it takes, the key mixed in.
pub(super) struct Recipe {
    pub(super) mac: Mac,
    pub(super) encoding: Encoding,
    pub(super) place: Place<String>,
    pub(super) prefix: String,
    pub(super) template: Template,
    pub(super) time: Time,
    /// How far the timestamp may be from now, in seconds.
    pub(super) tolerance: u64,
}

/// What a request brought along.
struct Found<'a> {
    signatures: Vec<&'a [u8]>,
    time: &'a [u8],
}

impl Recipe {
    /// Checks a request; gives its signature if something that changes per call is signed.
    pub(super) fn verify(&self, request: &Inbound<'_>, now: i64) -> Result<Option<String>, Refused> {
        let found = self.find(request)?;
        let stamp = match self.unit() {
            None => None,
            Some(Unit::Nonce) => {
                check_nonce(found.time, request.body).ok_or_else(|| self.malformed())?;
                None
            }
            Some(unit) => {
                let stamp = parse_timestamp(found.time)
                    .ok_or_else(|| Refused::Malformed { place: "the timestamp".to_owned() })?;
                Some(if unit == Unit::Milliseconds { stamp / 1000 } else { stamp })
            }
        };
        for name in self.template.headers() {
            request.header(name)?;
        }
        if self.template.has_url() && request.url.is_none() {
            return Err(Refused::UnknownUrl);
        }
        let tag = self.tag(request, found.time);
        let mut readable = false;
        let mut matches = false;
        for signature in found.signatures {
            let verdict = self.encoding.matches(signature, &tag);
            readable |= verdict.is_some();
            matches |= verdict == Some(true);
        }
        match (matches, readable) {
            (true, _) => {}
            (false, true) => return Err(Refused::Mismatch),
            (false, false) => return Err(self.malformed()),
        }
        if let Some(stamp) = stamp {
            Refused::check_time(stamp, now, self.tolerance)?;
        }
        Ok(self.changes_per_call().then(|| self.encoding.encode(&tag)))
    }

    /// What to send along with a request so that it verifies at `now`.
    pub(super) fn sign(&self, request: &Inbound<'_>, now: i64) -> Result<Signed, SignError> {
        if self.template.has_url() && request.url.is_none() {
            return Err(SignError::UnknownUrl);
        }
        let seconds = now.max(0).unsigned_abs();
        let mut signed = Signed::default();
        // What the operator signs besides the body and did not give is a stamp.
        let mut headers: Vec<(String, Zeroizing<Vec<u8>>)> = Vec::new();
        for name in self.template.headers() {
            let value = match request.headers.nth(name, 0) {
                Some(given) => given.to_vec(),
                None => {
                    signed.headers.push((name.to_owned(), seconds.to_string()));
                    seconds.to_string().into_bytes()
                }
            };
            headers.push((name.to_owned(), Zeroizing::new(value)));
        }
        let time = match self.unit() {
            None => String::new(),
            Some(Unit::Milliseconds) => seconds.saturating_mul(1000).to_string(),
            Some(Unit::Seconds | Unit::Nonce) => seconds.to_string(),
        };
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let tag = self.tag(&Inbound { headers: &headers, ..*request }, time.as_bytes());
        let signature = format!("{}{}", self.prefix, self.encoding.encode(&tag));
        match &self.place {
            Place::Header(name) => signed.headers.push((name.clone(), signature)),
            Place::Numbered(name) => signed.headers.push((format!("{name}1"), signature)),
            Place::Query(name) => signed.query.push((name.clone(), signature)),
            Place::List { header, entry } => {
                let stamp = match self.time {
                    Time::Entry { entry, .. } => format!("{entry}={time},"),
                    Time::None | Time::Header { .. } => String::new(),
                };
                signed.headers.push((header.clone(), format!("{stamp}{entry}={signature}")));
            }
        }
        if let Time::Header { name, .. } = self.time {
            signed.headers.push((name.to_owned(), time));
        }
        Ok(signed)
    }

    /// The HMAC of any text under this key: what Zoom's handshake asks for.
    pub(super) fn tag_of(&self, text: &str) -> String {
        self.encoding.encode(&self.mac.tag(std::iter::once(text.as_bytes())))
    }

    fn unit(&self) -> Option<Unit> {
        match self.time {
            Time::None => None,
            Time::Header { unit, .. } | Time::Entry { unit, .. } => Some(unit),
        }
    }

    fn tag(&self, request: &Inbound<'_>, time: &[u8]) -> Vec<u8> {
        let filling = Filling {
            body: request.body,
            time,
            method: request.method,
            url: request.url.unwrap_or_default(),
            headers: request.headers,
        };
        self.mac.tag(self.template.fill(filling))
    }

    /// Where there is nothing but the body, two equal signatures may be two events.
    fn changes_per_call(&self) -> bool {
        !matches!(self.time, Time::None) || self.template.headers().next().is_some()
    }

    fn find<'a>(&self, request: &Inbound<'a>) -> Result<Found<'a>, Refused> {
        let mut time = match self.time {
            Time::Header { name, .. } => request.header(name)?,
            Time::None | Time::Entry { .. } => &[],
        };
        let signatures = match &self.place {
            Place::Header(name) => vec![self.unprefixed(request.header(name)?)?],
            Place::Query(name) => vec![self.unprefixed(request.parameter(name)?.as_bytes())?],
            Place::Numbered(name) => numbered(request, name)?,
            Place::List { header: name, entry } => {
                let list = request.header(name)?;
                if let Time::Entry { entry, .. } = self.time {
                    let mut stamps = entries(list, entry);
                    time = stamps.next().ok_or_else(|| self.malformed())?;
                    if stamps.next().is_some() {
                        return Err(Refused::Twice { place: format!("{entry} in {}", header(name)) });
                    }
                }
                entries(list, entry).take(MAX_SIGNATURES).collect()
            }
        };
        Ok(Found { signatures, time })
    }

    fn unprefixed<'a>(&self, value: &'a [u8]) -> Result<&'a [u8], Refused> {
        value.strip_prefix(self.prefix.as_bytes()).ok_or_else(|| self.malformed())
    }

    fn malformed(&self) -> Refused {
        Refused::Malformed {
            place: match &self.place {
                Place::Header(name) | Place::List { header: name, .. } => header(name),
                Place::Numbered(name) => header(&format!("{name}1")),
                Place::Query(name) => format!("query parameter {name}"),
            },
        }
    }
}

/// A number used once is digits, and stands next to the body. Were the body to end in a digit, the border between
/// them could be moved without the signature noticing; what ends so is no object or list in JSON.
fn check_nonce(nonce: &[u8], body: &[u8]) -> Option<()> {
    let digits = !nonce.is_empty() && nonce.iter().all(u8::is_ascii_digit);
    (digits && !body.last().is_some_and(u8::is_ascii_digit)).then_some(())
}

/// The values of `name=value` entries with this name.
fn entries<'a>(list: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    list.split(|byte| *byte == b',')
        .filter_map(move |entry| entry.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

/// The values of `name1`, `name2` and so on; each at most once, and the first must be there.
fn numbered<'a>(request: &Inbound<'a>, name: &str) -> Result<Vec<&'a [u8]>, Refused> {
    let mut found = vec![request.header(&format!("{name}1"))?];
    for number in 2..=MAX_SIGNATURES {
        match request.header(&format!("{name}{number}")) {
            Ok(value) => found.push(value),
            Err(Refused::Missing { .. }) => break,
            Err(refused) => return Err(refused),
        }
    }
    Ok(found)
}
