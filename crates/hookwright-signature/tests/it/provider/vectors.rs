//! Against what official libraries signed or accepted, and what providers and standards published.

use std::collections::{BTreeMap, BTreeSet};

use hookwright_signature::provider::{Evidence, Inbound, SourceConfig, SourceKind};
use serde::Deserialize;

use super::sent::kind;

#[derive(Deserialize)]
struct Vector {
    kind: String,
    fields: BTreeMap<String, String>,
    /// What signs instead of `fields`, where these hold a public key.
    signing: Option<BTreeMap<String, String>>,
    now: i64,
    headers: Vec<(String, String)>,
    body: String,
    url: Option<String>,
    id: Option<String>,
    answer: Option<serde_json::Value>,
}

impl Vector {
    fn request<'a>(&'a self, headers: &'a Vec<(String, String)>) -> Inbound<'a> {
        Inbound { url: self.url.as_deref(), headers, body: self.body.as_bytes(), ..Inbound::POST }
    }

    fn config(&self) -> SourceConfig {
        SourceConfig::parse(kind(&self.kind), &self.fields).unwrap()
    }
}

fn read(json: &str) -> Vec<Vector> {
    #[derive(Deserialize)]
    struct File {
        vectors: Vec<Vector>,
    }
    let file: File = serde_json::from_str(json).unwrap();
    assert!(!file.vectors.is_empty());
    file.vectors
}

fn of_libraries() -> Vec<Vector> {
    let mut vectors = read(include_str!("../../vectors/providers_python.json"));
    vectors.extend(read(include_str!("../../vectors/providers_node.json")));
    vectors
}

fn published() -> Vec<Vector> {
    read(include_str!("../../vectors/providers_published.json"))
}

#[test]
fn what_libraries_and_publications_sign_is_accepted_and_nothing_near_it() {
    for vector in of_libraries().into_iter().chain(published()) {
        let config = vector.config();
        let request = vector.request(&vector.headers);
        let verified =
            config.verify(&request, vector.now).unwrap_or_else(|error| panic!("{}: {error}", vector.kind));
        if vector.id.is_some() {
            assert_eq!(verified.id, vector.id, "{}", vector.kind);
        }
        let answer = verified.handshake.map(|answer| serde_json::from_slice(&answer.body).unwrap());
        assert_eq!(answer, vector.answer, "{}", vector.kind);
        if vector.kind != "basic-auth" {
            let changed = format!("{} ", vector.body);
            assert!(config.verify(&Inbound { body: changed.as_bytes(), ..request }, vector.now).is_err());
        }
    }
}

#[test]
fn what_we_sign_is_what_libraries_accepted() {
    for vector in of_libraries().into_iter().chain(published()) {
        let fields = vector.signing.as_ref().unwrap_or(&vector.fields);
        let config = SourceConfig::parse_signing(kind(&vector.kind), fields).unwrap();
        let id = vector.id.as_deref().unwrap_or("msg_1");
        let signed = config.sign(&vector.request(&vector.headers), vector.now, id).unwrap();
        for (name, value) in signed.headers {
            let theirs = vector.headers.iter().find(|(found, _)| *found == name);
            // GitHub's published example is of the signature alone.
            let left_out = vector.id.is_none() && name == "x-github-delivery";
            assert!(
                left_out || theirs.is_some_and(|(_, theirs)| *theirs == value),
                "{}: {name}",
                vector.kind
            );
        }
    }
}

#[test]
fn every_kind_that_svix_signs_for_takes_both_names_of_its_headers() {
    let vectors: Vec<Vector> = of_libraries()
        .into_iter()
        .filter(|vector| ["svix", "standard-webhooks"].contains(&&*vector.kind))
        .collect();
    assert_eq!(vectors.len(), 6);
    let mut count = 0;
    for kind in family() {
        count += 1;
        for vector in &vectors {
            let config = SourceConfig::parse(kind, &vector.fields).unwrap();
            let verified = config.verify(&vector.request(&vector.headers), vector.now);
            let reads = match kind.as_str() {
                "svix" | "standard-webhooks" => vector.kind == kind.as_str(),
                _ => true,
            };
            assert_eq!(verified.is_ok(), reads, "{kind} with the headers of {}", vector.kind);
            if let Ok(verified) = verified {
                assert_eq!(verified.id, vector.id);
            }
        }
    }
    assert_eq!(count, 18);
}

fn family() -> impl Iterator<Item = SourceKind> {
    SourceKind::all().filter(|kind| kind.summary().starts_with("Standard Webhooks"))
}

#[test]
fn a_kind_says_library_or_vector_exactly_if_there_is_one() {
    let names = |vectors: Vec<Vector>| vectors.into_iter().map(|vector| vector.kind).collect::<BTreeSet<_>>();
    let mut libraries = names(of_libraries());
    libraries.extend(family().map(|kind| kind.to_string()));
    let published = names(published());
    for kind in SourceKind::all() {
        let name = kind.as_str();
        assert_eq!(kind.evidence() == Evidence::Library, libraries.contains(name), "{kind}");
        let vector = published.contains(name) && !libraries.contains(name);
        assert_eq!(kind.evidence() == Evidence::Vector, vector, "{kind}");
    }
}
