//! The table of kinds: how each provider proves itself, as data.
//!
//! A row is written from the provider's own documentation or library, and says which by its evidence. Where
//! neither settles the scheme the row has [`Proof::Unknown`], and nothing is guessed.

use super::kind::Evidence::{self, Library, Text, Unsigned, Vector};
use super::mac::{Algorithm, Encoding};
use super::scheme::{Find, Handshake, MacRow, Place, Proof, Row, Time, Unit};
use crate::HeaderNames;

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
            Library,
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
