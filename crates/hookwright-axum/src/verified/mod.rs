//! `Verified<T>`: a webhook that was proven before the handler sees it, without a database.

mod proof; // what proves
mod rejection; // what is answered if nothing does

use std::marker::PhantomData;

use axum::body::Body;
use axum::extract::{FromRef, FromRequest, OriginalUri, Request};
use bytes::Bytes;
use hookwright_signature::provider::{self, Answer, Inbound};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

pub use proof::Proof;
pub use rejection::Unverified;

/// A webhook whose provider has proven itself, with its body parsed as JSON.
///
/// In this order: the method (405), the size of the body (413), the proof over the bytes as they came (401, or 403 for a plain
/// token), the JSON (400). A handshake of the provider is answered, and the handler is not called.
///
/// The same webhook may come again; providers send until they are sure. [`Verified::id`] tells which one it is.
///
/// `W` says where the [`Proof`] is: an [extension](ByExtension) of the route unless something else is said, the router's
/// [state](ByState), or a [place of your own](FindProof).
///
/// ```
/// use axum::{Extension, Router, routing::post};
/// use hookwright_axum::{Proof, Source, Verified};
///
/// #[derive(serde::Deserialize)]
/// struct Charge {
///     id: String,
/// }
///
/// async fn charged(charge: Verified<Charge>) {
///     println!("{} in the event {:?}", charge.payload.id, charge.id);
/// }
///
/// async fn pushed(push: Verified<serde_json::Value>) {
///     println!("{:?}: {}", push.event_type, push.payload["ref"]);
/// }
///
/// # fn secret(name: &str) -> String { name.to_owned() }
/// fn router() -> Result<Router, hookwright_axum::ConfigError> {
///     // While a secret is replaced the old one is good as well.
///     let stripe = Source::stripe(secret("STRIPE_SECRET")).or(Source::stripe(secret("STRIPE_SECRET_OLD")));
///     let github = Source::github(secret("GITHUB_SECRET"));
///     Ok(Router::new()
///         .route("/stripe", post(charged).layer(Extension(Proof::of(stripe)?)))
///         .route("/github", post(pushed).layer(Extension(Proof::of(github)?))))
/// }
/// # router().unwrap();
/// ```
#[derive(Debug)]
pub struct Verified<T, W = ByExtension> {
    /// What the body says.
    pub payload: T,
    /// The provider's id of the event or delivery, if it has one: the same if it comes again.
    pub id: Option<String>,
    /// What happened, in the provider's words, if it says so.
    pub event_type: Option<String>,
    /// The body as it came.
    pub body: Bytes,
    /// What the handler must answer, where its provider takes an event for delivered only then: Adobe Sign does.
    pub reply: Option<Answer>,
    way: PhantomData<fn() -> W>,
}

/// Where a request's proof is found.
///
/// ```
/// use hookwright_axum::{FindProof, Parts, Proof, Verified};
///
/// #[derive(Clone)]
/// struct App {
///     stripe: Proof,
///     github: Proof,
/// }
///
/// struct Stripe;
///
/// impl FindProof<App> for Stripe {
///     fn find(_: &Parts, app: &App) -> Option<Proof> {
///         Some(app.stripe.clone())
///     }
/// }
///
/// async fn charged(charge: Verified<serde_json::Value, Stripe>) {}
/// ```
pub trait FindProof<S> {
    /// The proof that a request must bring, if there is one for it: without one it is answered with 500.
    fn find(parts: &Parts, state: &S) -> Option<Proof>;
}

/// The proof is an extension of the request: `.layer(Extension(proof))` on a route.
#[derive(Debug)]
pub struct ByExtension;

/// The proof is the router's state, or a part of it (`FromRef`).
#[derive(Debug)]
pub struct ByState;

impl<S> FindProof<S> for ByExtension {
    fn find(parts: &Parts, _: &S) -> Option<Proof> {
        parts.extensions.get().cloned()
    }
}

impl<S> FindProof<S> for ByState
where
    Proof: FromRef<S>,
{
    fn find(_: &Parts, state: &S) -> Option<Proof> {
        Some(Proof::from_ref(state))
    }
}

impl<S, T, W> FromRequest<S> for Verified<T, W>
where
    S: Send + Sync,
    T: DeserializeOwned,
    W: FindProof<S>,
{
    type Rejection = Unverified;

    async fn from_request(request: Request, state: &S) -> Result<Self, Unverified> {
        let (parts, body) = request.into_parts();
        let proof = W::find(&parts, state).ok_or(Unverified::NoProof)?;
        check_method(&proof, &parts.method)?;
        let body = collect(&parts.headers, body, proof.body_limit).await?;
        let verified = check_proof(&proof, &parts, &body)?;
        if let Some(answer) = verified.handshake {
            return Err(Unverified::Handshake(answer));
        }
        let payload = serde_json::from_slice(&body).map_err(Unverified::NotJson)?;
        let provider::Verified { id, event_type, reply, .. } = verified;
        Ok(Verified { payload, id, event_type, body, reply, way: PhantomData })
    }
}

fn check_method(proof: &Proof, method: &Method) -> Result<(), Unverified> {
    if proof.methods.contains(method) {
        return Ok(());
    }
    Err(Unverified::Method { allowed: proof.methods.clone() })
}

/// The body within its limit: exactly so many bytes are taken, and one more is not, however it is sent.
async fn collect(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Unverified> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Unverified::TooLarge { limit });
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unverified::TooLarge { limit }),
        Err(_) => Err(Unverified::BrokeOff),
    }
}

fn check_proof(proof: &Proof, parts: &Parts, body: &Bytes) -> Result<provider::Verified, Unverified> {
    // A router that is nested takes its own part of the path away.
    let uri = parts.extensions.get().map_or(&parts.uri, |OriginalUri(uri)| uri);
    let called = uri.path_and_query().map_or("/", |called| called.as_str());
    let url = proof.public_url.as_ref().map(|public| format!("{public}{called}"));
    let request = Inbound {
        method: parts.method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        url: url.as_deref(),
        headers: &parts.headers,
        body,
    };
    proof.config.verify(&request, proof.clock.now().as_seconds()).map_err(Unverified::Refused)
}
