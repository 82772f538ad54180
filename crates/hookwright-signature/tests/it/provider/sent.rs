//! A request as it goes over the wire, to check and to break, and a configuration of every kind.

use hookwright_signature::provider::{Evidence, Inbound, Refused, SourceConfig, SourceKind, Verified};

pub(super) const NOW: i64 = 1_700_000_000;
pub(super) const URL: &str = "https://hooks.example.com/in/orders/token?a=1";
pub(super) const BODY: &[u8] = br#"{"id": "evt_1",  "type": "order.paid", "amount": 17}"#;

const SVIX: [&str; 2] = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];
const SEEDS: [&str; 2] =
    ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];

#[derive(Clone)]
pub(super) struct Sent {
    pub(super) query: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

impl Sent {
    pub(super) fn signed(config: &SourceConfig, body: &[u8], now: i64) -> Self {
        let mut sent = Self { query: String::new(), headers: Vec::new(), body: body.to_vec() };
        let signed = config.sign(&sent.inbound(), now, "msg_1").unwrap();
        let query = signed.query.into_iter().map(|(name, value)| format!("{name}={value}"));
        sent.query = query.collect::<Vec<_>>().join("&");
        sent.headers = signed.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        sent
    }

    pub(super) fn inbound(&self) -> Inbound<'_> {
        Inbound {
            query: &self.query,
            url: Some(URL),
            headers: &self.headers,
            body: &self.body,
            ..Inbound::POST
        }
    }

    pub(super) fn verify(&self, config: &SourceConfig) -> Result<Verified, Refused> {
        config.verify(&self.inbound(), NOW)
    }

    pub(super) fn with_body(&self, body: &[u8]) -> Self {
        Self { body: body.to_vec(), ..self.clone() }
    }
}

/// Headers that a provider writes and does not sign.
pub(super) const UNSIGNED: [&str; 2] = ["x-github-delivery", "x-shopify-webhook-id"];

/// Whether a time is signed that says how old a request is.
pub(super) fn signs_time(kind: SourceKind) -> bool {
    kind.summary().contains("{time}") || kind.summary().starts_with("Standard Webhooks")
}

/// The kinds that prove anything.
pub(super) fn proven() -> impl Iterator<Item = SourceKind> {
    SourceKind::all().filter(|kind| !matches!(kind.evidence(), Evidence::None | Evidence::Unsigned))
}

/// Fields that this kind takes; `secret` is 0 or 1, for two that know nothing of each other.
pub(super) fn fields(kind: SourceKind, secret: usize) -> Vec<(&'static str, String)> {
    let value = |name: &str| match name {
        "header" => "X-Test-Proof".to_owned(),
        "algorithm" => "sha512".to_owned(),
        "encoding" => "base64".to_owned(),
        "prefix" => "v1=".to_owned(),
        "signed" => "{header:x-stamp}.{body}".to_owned(),
        "timestampGraceSeconds" => "300".to_owned(),
        "publicKey" | "privateKey" => SEEDS[secret].to_owned(),
        "secret" if kind.summary().starts_with("Standard Webhooks") => SVIX[secret].to_owned(),
        other => format!("{other}-{secret}"),
    };
    kind.fields()
        .iter()
        .map(|name| if *name == "publicKey" { "privateKey" } else { name })
        .map(|name| (name, value(name)))
        .collect()
}

pub(super) fn config(kind: SourceKind, secret: usize) -> SourceConfig {
    SourceConfig::parse_signing(kind, fields(kind, secret)).unwrap_or_else(|error| panic!("{kind}: {error}"))
}

pub(super) fn kind(name: &str) -> SourceKind {
    SourceKind::parse(name).unwrap_or_else(|| panic!("no kind {name}"))
}
