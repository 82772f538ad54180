//! The words in which the table of kinds is written: where a proof is, and what it is of.

use super::kind::Evidence;
use super::mac::{Algorithm, Encoding};
use crate::HeaderNames;

/// A kind.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) evidence: Evidence,
    /// For people: what is checked.
    pub(super) summary: &'static str,
    pub(super) proof: Proof,
    /// Where the provider's id is.
    pub(super) id: Find,
    /// Where the event's type is.
    pub(super) event: Find,
    pub(super) handshake: Option<Handshake>,
}

/// What proves a request.
pub(super) enum Proof {
    /// Nothing does, and nothing is asked for.
    Unsigned,
    /// It sends on a schedule.
    Cron,
    /// What to tell the operator instead.
    Unknown(&'static str),
    /// Standard Webhooks under these names of the headers.
    Svix {
        names: &'static [HeaderNames],
        ours: bool,
    },
    /// An HMAC with the field `secret`.
    Mac(MacRow),
    /// Ed25519 with the field `publicKey`.
    Ed25519 {
        signature: &'static str,
        signed: &'static str,
        time: Time,
    },
    /// A header that repeats the field, which is no secret; answered with the same header's value.
    AdobeClientId,
    OwnToken,
    OwnHmac,
    BasicAuth,
}

/// An HMAC: where it is, and of what.
#[derive(Clone, Copy)]
pub(super) struct MacRow {
    pub(super) algorithm: Algorithm,
    pub(super) encoding: Encoding,
    pub(super) place: Place,
    /// What stands before the signature.
    pub(super) prefix: &'static str,
    /// What is signed, as a [template](super::template::Template).
    pub(super) signed: &'static str,
    pub(super) time: Time,
    /// Whether only secrets of ASCII are taken, since others would be normalised first.
    pub(super) ascii_secret: bool,
}

/// Where a signature is written.
#[derive(Clone, Copy)]
pub(super) enum Place<N = &'static str> {
    Header(N),
    /// Headers of this name with `1`, `2` and so on appended, one for each key.
    Numbered(N),
    /// An entry `name=signature` of a list separated by commas; there may be several.
    List {
        header: N,
        entry: &'static str,
    },
    /// A parameter of the query.
    Query(N),
}

/// Where the time of signing is written, which the template's `{time}` stands for.
#[derive(Clone, Copy)]
pub(super) enum Time {
    None,
    Header {
        name: &'static str,
        unit: Unit,
    },
    /// An entry of the list that holds the signature.
    Entry {
        entry: &'static str,
        unit: Unit,
    },
}

/// What a timestamp counts since 1970.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    /// Nothing: it is a number used once.
    Nonce,
}

/// Where something is read once the request is proven.
pub(super) enum Find {
    Nowhere,
    Header(&'static str),
    /// The first of these pointers of the body that leads to a text or a number.
    Body(&'static [&'static [&'static str]]),
}

/// The ways of providers to ask whether somebody is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Handshake {
    Meta,
    Slack,
    Zoom,
}
