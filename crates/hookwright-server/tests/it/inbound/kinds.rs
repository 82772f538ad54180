//! Every kind over the wire: what its provider sends is taken, and what was tampered with is refused and becomes nothing.

use std::net::SocketAddr;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright_signature::provider::{Evidence, Inbound, SourceConfig, SourceKind};
use hookwright_testkit::http::raw;
use serde_json::{Map, Value, json};

use super::{PATH, verdicts};
use crate::api::rig::{Rig, text};

const NOW: i64 = 1_700_000_000;
const BODY: &str = r#"{"id": "evt_1",  "type": "order.paid", "amount": 17}"#;
/// Two secrets of those that Svix signs for, and two key pairs of those that sign with Ed25519.
const SVIX: [&str; 2] = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];
const SEEDS: [&str; 2] =
    ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];
const PUBLIC: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

const OVERLONG: &str = "64 KiB more";

/// A request as it goes over the wire.
#[derive(Clone)]
struct Call {
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// A source of a kind, and two who call it, of whom it knows the first.
struct Played {
    kind: SourceKind,
    id: String,
    url: String,
    path: String,
    address: SocketAddr,
}

fn fields(kind: SourceKind, secret: usize) -> Vec<(&'static str, String)> {
    let value = |name: &str| match name {
        "header" => "X-Test-Proof".to_owned(),
        "algorithm" => "sha512".to_owned(),
        "encoding" => "base64".to_owned(),
        "prefix" => "v1=".to_owned(),
        "signed" => "{header:x-stamp}.{body}".to_owned(),
        "timestampGraceSeconds" => "300".to_owned(),
        "publicKey" => SEEDS[secret].to_owned(),
        "secret" if kind.summary().starts_with("Standard Webhooks") => SVIX[secret].to_owned(),
        other => format!("{other}-{secret}"),
    };
    kind.fields().iter().map(|name| (*name, value(name))).collect()
}

impl Played {
    async fn of(rig: &Rig, kind: SourceKind) -> Played {
        let config: Map<String, Value> = fields(kind, 0)
            .into_iter()
            .map(|(name, value)| {
                (name.to_owned(), if name == "publicKey" { json!(PUBLIC) } else { json!(value) })
            })
            .collect();
        let body = json!({"name": "Any", "type": kind.as_str(), "config": config});
        let made = rig.client.post(PATH, &body).await.expect(201).json();
        let url = text(&made["ingestUrl"]);
        let path = url.strip_prefix(&rig.base).unwrap().to_owned();
        let address = rig.base.trim_start_matches("http://").parse().unwrap();
        Played { kind, id: text(&made["id"]), url, path, address }
    }

    /// What this provider sends at this time.
    fn signed(&self, secret: usize, now: i64) -> Call {
        let fields = fields(self.kind, secret)
            .into_iter()
            .map(|(name, value)| (if name == "publicKey" { "privateKey" } else { name }, value));
        let config = SourceConfig::parse_signing(self.kind, fields).unwrap();
        let request =
            Inbound { path: &self.path, url: Some(&self.url), body: BODY.as_bytes(), ..Inbound::POST };
        let signed = config.sign(&request, now, "msg_1").unwrap();
        let query: Vec<String> =
            signed.query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Call {
            path: self.path.clone(),
            query: query.join("&"),
            headers: signed.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
            body: BODY.as_bytes().to_vec(),
        }
    }

    async fn send(&self, call: &Call) -> u16 {
        let mark = if call.query.is_empty() { "" } else { "?" };
        let mut request = format!(
            "POST {}{mark}{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n",
            call.path,
            call.query,
            call.body.len()
        )
        .into_bytes();
        for (name, value) in &call.headers {
            request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        request.extend([b"\r\n", &*call.body].concat());
        let answer = raw(self.address, &request).await;
        let status = answer.get(9..12).map(String::from_utf8_lossy).unwrap_or_default();
        status.parse().unwrap_or_else(|_| panic!("{}: {:?}", self.kind, String::from_utf8_lossy(&answer)))
    }
}

impl Call {
    /// With its proof, which one kind has in its query, changed so.
    fn changed(mut self, change: impl Fn(&mut Vec<u8>)) -> Call {
        match self.headers.first_mut() {
            Some((_, value)) => change(value),
            None => {
                let mut query = self.query.into_bytes();
                change(&mut query);
                self.query = query.into_iter().map(escaped).collect();
            }
        }
        self
    }

    /// With its proof twice.
    fn doubled(mut self) -> Call {
        match self.headers.first().cloned() {
            Some(header) => self.headers.push(header),
            None => self.query = format!("{0}&{0}", self.query),
        }
        self
    }

    fn with_body(self, body: impl Into<Vec<u8>>) -> Call {
        Call { body: body.into(), ..self }
    }
}

/// A byte as a query can have it.
fn escaped(byte: u8) -> String {
    if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

#[tokio::test]
async fn every_kind_takes_what_its_provider_sends_and_nothing_that_was_tampered_with() {
    let rig = Rig::start_at(Clock::manual(Timestamp::from_micros(NOW * 1_000_000))).await;
    let proven =
        SourceKind::all().filter(|kind| !matches!(kind.evidence(), Evidence::None | Evidence::Unsigned));
    let mut kinds = 0;
    for kind in proven {
        let played = Played::of(&rig, kind).await;
        let genuine = played.signed(0, NOW);
        let call = || genuine.clone();
        let rewritten = serde_json::from_str::<Value>(BODY).unwrap().to_string();
        let mut tampered = vec![
            ("another secret", played.signed(1, NOW)),
            ("no proof", Call { headers: Vec::new(), query: String::new(), ..call() }),
            ("the proof twice", call().doubled()),
            ("a truncated proof", call().changed(|proof| proof.truncate(proof.len() - 1))),
            ("16 KiB more", call().changed(|proof| proof.extend(b"a".repeat(16 << 10)))),
            (OVERLONG, call().changed(|proof| proof.extend(b"a".repeat(64 << 10)))),
            ("what is not ASCII", call().changed(|proof| proof.extend("é\u{ff}".as_bytes()))),
        ];
        if !["token", "basic-auth", "adobe-sign"].contains(&kind.as_str()) {
            let mut flipped = BODY.as_bytes().to_vec();
            flipped[5] ^= 1;
            tampered.extend([
                ("a flipped bit", call().with_body(flipped)),
                ("a truncated body", call().with_body(&BODY[..BODY.len() - 1])),
                ("JSON written again", call().with_body(rewritten)),
            ]);
        }
        if kind.summary().contains("{time}") || kind.summary().starts_with("Standard Webhooks") {
            tampered.extend([
                ("yesterday's", played.signed(0, NOW - 301)),
                ("tomorrow's", played.signed(0, NOW + 301)),
            ]);
        }
        for (what, call) in tampered {
            let status = played.send(&call).await;
            // What is longer than the server reads comes to no source.
            let is_unread = what == OVERLONG && [414, 431].contains(&status);
            assert!(is_unread || [401, 403].contains(&status), "{kind} answers {what} with {status}");
        }
        // Whatever was forged before, under its id too, it is no copy of that.
        assert_eq!(played.send(&genuine).await, 200, "{kind}");
        let verdicts = verdicts(&rig, &played.id).await;
        let refused = verdicts.iter().skip(1).all(|verdict| verdict == "refused");
        assert!(verdicts[0] == "verified" && verdicts.len() > 6 && refused, "{kind}: {verdicts:?}");
        kinds += 1;
    }
    assert_eq!(kinds, 41);
}
