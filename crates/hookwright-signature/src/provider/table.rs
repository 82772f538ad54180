//! The table of kinds: how each provider proves itself, as data.
//!
//! A row is written from the provider's own documentation or library, and says which by its evidence. Where
//! neither settles the scheme the row has [`Proof::Unknown`], and nothing is guessed.

use super::kind::Evidence::{self, Library, Text, Unsigned, Vector};
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

const SHA256_HEX: MacRow = MacRow {
    algorithm: Algorithm::Sha256,
    encoding: Encoding::Hex,
    place: Place::Header(""),
    prefix: "",
    signed: "{body}",
    time: Time::None,
    ascii_secret: false,
};

const SHA256_BASE64: MacRow = MacRow { encoding: Encoding::Base64, ..SHA256_HEX };

const fn seconds(name: &'static str) -> Time {
    Time::Header { name, unit: Unit::Seconds }
}

const fn milliseconds(name: &'static str) -> Time {
    Time::Header { name, unit: Unit::Milliseconds }
}

const ID: Find = Find::Body(&[&["id"]]);
const TYPE: Find = Find::Body(&[&["type"]]);
const EVENT: Find = Find::Body(&[&["event"]]);

const fn row(name: &'static str, evidence: Evidence, summary: &'static str, proof: Proof) -> Row {
    Row { name, evidence, summary, proof, id: Find::Nowhere, event: Find::Nowhere, handshake: None }
}

const fn mac(name: &'static str, evidence: Evidence, summary: &'static str, mac: MacRow) -> Row {
    row(name, evidence, summary, Proof::Mac(mac))
}

/// One of those that Svix signs for: id and type are found alike.
const fn svix(name: &'static str) -> Row {
    let proof = Proof::Svix { names: &HeaderNames::ALL, ours: false };
    Row { event: TYPE, ..row(name, Library, "Standard Webhooks, `svix-` or `webhook-` headers", proof) }
}

const fn unknown(name: &'static str, instead: &'static str) -> Row {
    row(name, Evidence::None, "none that is established", Proof::Unknown(instead))
}

const USE_OURS: &str = "give the source the type hmac or token, as your account there is set up";

/// All kinds.
pub(super) static ROWS: [Row; 47] = [
    row("token", Text, "a header that holds a token", Proof::OwnToken),
    row("hmac", Vector, "an HMAC of what you say (SHA-1, SHA-256, SHA-512)", Proof::OwnHmac),
    row("basic-auth", Vector, "user name and password (RFC 7617)", Proof::BasicAuth),
    Row {
        event: TYPE,
        ..row(
            "standard-webhooks",
            Library,
            "Standard Webhooks, `webhook-` headers",
            Proof::Svix { names: &[HeaderNames::Standard], ours: true },
        )
    },
    row("generic-webhook", Unsigned, "nothing is proven", Proof::Unsigned),
    row("cron", Unsigned, "sends on a schedule, and receives nothing", Proof::Cron),
    row("adobe-sign", Text, "the client's id in `x-adobesign-clientid`, answered", Proof::AdobeClientId),
    Row {
        id: ID,
        event: Find::Body(&[&["name"]]),
        ..mac(
            "airwallex",
            Text,
            "HMAC-SHA256, hex, of `{time}{body}`",
            MacRow {
                place: Place::Header("x-signature"),
                signed: "{time}{body}",
                time: milliseconds("x-timestamp"),
                ..SHA256_HEX
            },
        )
    },
    svix("beehiiv"),
    svix("brex"),
    Row {
        event: TYPE,
        ..mac(
            "checkbook",
            Vector,
            "HMAC-SHA256, hex, of `{body}{nonce}`",
            MacRow {
                place: Place::List { header: "signature", entry: "signature" },
                signed: "{body}{time}",
                time: Time::Entry { entry: "nonce", unit: Unit::Nonce },
                ..SHA256_HEX
            },
        )
    },
    svix("clerk"),
    Row {
        event: EVENT,
        ..mac(
            "docusign",
            Text,
            "HMAC-SHA256, base64, of the body",
            MacRow { place: Place::Numbered("x-docusign-signature-"), ..SHA256_BASE64 },
        )
    },
    Row {
        id: ID,
        event: Find::Body(&[&["description"]]),
        ..mac(
            "easypost",
            Library,
            "HMAC-SHA256, hex, of the body",
            MacRow {
                place: Place::Header("x-hmac-signature"),
                prefix: "hmac-sha256-hex=",
                ascii_secret: true,
                ..SHA256_HEX
            },
        )
    },
    Row {
        id: Find::Header("x-github-delivery"),
        event: Find::Header("x-github-event"),
        ..mac(
            "github",
            Library,
            "HMAC-SHA256, hex, of the body",
            MacRow { place: Place::Header("x-hub-signature-256"), prefix: "sha256=", ..SHA256_HEX },
        )
    },
    svix("guesty"),
    mac(
        "hubspot",
        Library,
        "HMAC-SHA256, base64, of `{method}{url}{body}{time}` (v3)",
        MacRow {
            place: Place::Header("x-hubspot-signature-v3"),
            signed: "{method}{url}{body}{time}",
            time: milliseconds("x-hubspot-request-timestamp"),
            ..SHA256_BASE64
        },
    ),
    svix("incident-io"),
    svix("lithic"),
    Row {
        event: Find::Body(&[&["object"]]),
        handshake: Some(Handshake::Meta),
        ..mac(
            "meta",
            Library,
            "HMAC-SHA256, hex, of the body",
            MacRow { place: Place::Header("x-hub-signature-256"), prefix: "sha256=", ..SHA256_HEX },
        )
    },
    Row {
        event: TYPE,
        ..mac(
            "nango",
            Library,
            "HMAC-SHA256, hex, of the body",
            MacRow { place: Place::Header("x-nango-hmac-sha256"), ..SHA256_HEX },
        )
    },
    svix("nash"),
    svix("open-ai"),
    unknown("openclaw", USE_OURS),
    unknown("orum-io", "its RSA signature is described in two ways that exclude each other"),
    mac(
        "panda-doc",
        Text,
        "HMAC-SHA256, hex, of the body, in the query's `signature`",
        MacRow { place: Place::Query("signature"), ..SHA256_HEX },
    ),
    svix("pleo"),
    mac(
        "port-io",
        Text,
        "HMAC-SHA256, base64, of `{time}.{body}`",
        MacRow {
            place: Place::Header("x-port-signature"),
            prefix: "v1,",
            signed: "{time}.{body}",
            time: seconds("x-port-timestamp"),
            ..SHA256_BASE64
        },
    ),
    svix("psi-fi"),
    svix("render"),
    svix("replicate"),
    svix("resend"),
    Row {
        event: Find::Body(&[&["code"], &["type"]]),
        ..mac(
            "rutter",
            Text,
            "HMAC-SHA256, base64, of the body",
            MacRow { place: Place::Header("x-rutter-signature"), prefix: "sha256=", ..SHA256_BASE64 },
        )
    },
    svix("safebase"),
    svix("sardine"),
    Row {
        id: Find::Body(&[&["messageId"]]),
        event: TYPE,
        ..mac(
            "segment",
            Vector,
            "HMAC-SHA1, hex, of the body",
            MacRow { algorithm: Algorithm::Sha1, place: Place::Header("x-signature"), ..SHA256_HEX },
        )
    },
    Row {
        id: Find::Header("x-shopify-webhook-id"),
        event: Find::Header("x-shopify-topic"),
        ..mac(
            "shopify",
            Library,
            "HMAC-SHA256, base64, of the body",
            MacRow { place: Place::Header("x-shopify-hmac-sha256"), ..SHA256_BASE64 },
        )
    },
    Row {
        id: Find::Body(&[&["event_id"]]),
        event: Find::Body(&[&["event", "type"], &["type"]]),
        handshake: Some(Handshake::Slack),
        ..mac(
            "slack",
            Library,
            "HMAC-SHA256, hex, of `v0:{time}:{body}`",
            MacRow {
                place: Place::Header("x-slack-signature"),
                prefix: "v0=",
                signed: "v0:{time}:{body}",
                time: seconds("x-slack-request-timestamp"),
                ..SHA256_HEX
            },
        )
    },
    Row {
        id: ID,
        event: TYPE,
        ..mac(
            "stripe",
            Library,
            "HMAC-SHA256, hex, of `{time}.{body}`",
            MacRow {
                place: Place::List { header: "stripe-signature", entry: "v1" },
                signed: "{time}.{body}",
                time: Time::Entry { entry: "t", unit: Unit::Seconds },
                ..SHA256_HEX
            },
        )
    },
    svix("stych"),
    Row {
        event: TYPE,
        ..row(
            "svix",
            Library,
            "Standard Webhooks, `svix-` headers",
            Proof::Svix { names: &[HeaderNames::Svix], ours: false },
        )
    },
    mac(
        "tailscale",
        Text,
        "HMAC-SHA256, hex, of `{time}.{body}`",
        MacRow {
            place: Place::List { header: "tailscale-webhook-signature", entry: "v1" },
            signed: "{time}.{body}",
            time: Time::Entry { entry: "t", unit: Unit::Seconds },
            ..SHA256_HEX
        },
    ),
    Row {
        id: Find::Body(&[&["data", "id"]]),
        event: Find::Body(&[&["data", "event_type"]]),
        ..row(
            "telnyx",
            Library,
            "Ed25519 of `{time}|{body}`",
            Proof::Ed25519 {
                signature: "telnyx-signature-ed25519",
                signed: "{time}|{body}",
                time: seconds("telnyx-timestamp"),
            },
        )
    },
    unknown("vapi", USE_OURS),
    mac(
        "veriff",
        Text,
        "HMAC-SHA256, hex, of the body",
        MacRow { place: Place::Header("x-hmac-signature"), ..SHA256_HEX },
    ),
    unknown("vgs", USE_OURS),
    Row {
        event: EVENT,
        handshake: Some(Handshake::Zoom),
        ..mac(
            "zoom",
            Library,
            "HMAC-SHA256, hex, of `v0:{time}:{body}`",
            MacRow {
                place: Place::Header("x-zm-signature"),
                prefix: "v0=",
                signed: "v0:{time}:{body}",
                time: seconds("x-zm-request-timestamp"),
                ..SHA256_HEX
            },
        )
    },
];
