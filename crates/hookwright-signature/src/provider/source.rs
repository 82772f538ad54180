//! A source as a program in Rust writes it: whose requests are taken, and with which secret.

use std::fmt;

use zeroize::Zeroizing;

use super::config::SourceConfig;
use super::error::ConfigError;
use super::kind::SourceKind;

/// The field that signs in the place of a public key.
const SIGNING_FIELD: &str = "privateKey";

/// Whose requests are taken, and what they are proven with: `Source::stripe(secret)`.
///
/// Nothing of it is checked before [`Source::config`] is made of it. Its `Debug` says the kind and nothing
/// else.
#[derive(Clone)]
pub struct Source {
    kind: String,
    fields: Vec<(String, Zeroizing<String>)>,
    older: Vec<Source>,
}

impl Source {
    /// A source of the kind with this [name](SourceKind::as_str), with no field set.
    pub fn of(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), fields: Vec::new(), older: Vec::new() }
    }

    /// Sets a field, [as the kind names it](SourceKind::fields).
    ///
    /// Whoever plays a provider that has a `publicKey` sets the `privateKey` instead: the base64 of its 32
    /// bytes.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), Zeroizing::new(value.into())));
        self
    }

    /// Takes what `older` takes as well: the same source with the secret of before, until nobody uses that any
    /// more.
    #[must_use]
    pub fn or(mut self, mut older: Source) -> Self {
        let still_older = std::mem::take(&mut older.older);
        self.older.push(older);
        self.older.extend(still_older);
        self
    }

    /// Requests that show this token in this header: `Incorrect token in <header> header.` is what others are
    /// told.
    pub fn token(header: impl Into<String>, token: impl Into<String>) -> Self {
        Self::of("token").field("header", header).field("token", token)
    }

    /// Requests with an HMAC of the body in this header: SHA-256 in hexadecimal digits, unless the fields
    /// `algorithm`, `encoding`, `prefix` and `signed` say otherwise.
    pub fn hmac(header: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::of("hmac").field("header", header).field("secret", secret)
    }

    /// Requests with this user name and password (RFC 7617).
    pub fn basic_auth(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self::of("basic-auth").field("username", username).field("password", password)
    }

    /// Requests of Meta; `verify_token` is what its first request asks for.
    pub fn meta(secret: impl Into<String>, verify_token: impl Into<String>) -> Self {
        Self::of("meta").field("secret", secret).field("verifyToken", verify_token)
    }

    /// Requests of Telnyx, which publishes its key.
    pub fn telnyx(public_key: impl Into<String>) -> Self {
        Self::of("telnyx").field("publicKey", public_key)
    }

    /// Requests of Adobe Sign, which repeat the id of its client.
    pub fn adobe_sign(client_id: impl Into<String>) -> Self {
        Self::of("adobe-sign").field("clientId", client_id)
    }

    /// Requests that prove nothing: anybody can make them.
    #[must_use]
    pub fn generic_webhook() -> Self {
        Self::of("generic-webhook")
    }

    /// The name of its kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What was set, secrets and all, by the names of the fields: to be kept where secrets are.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What else is taken.
    #[must_use]
    pub fn older(&self) -> &[Source] {
        &self.older
    }

    /// What verifies and signs: make it once.
    ///
    /// # Errors
    ///
    /// As [`SourceConfig::parse`]; the field is `type` if there is no such kind.
    pub fn config(&self) -> Result<SourceConfig, ConfigError> {
        let Some(kind) = SourceKind::parse(&self.kind) else {
            let why = format!("there is no kind {:?}: `hookwright source kinds` lists them", self.kind);
            return Err(ConfigError::new("type", why));
        };
        let signs = self.fields().any(|(name, _)| name == SIGNING_FIELD);
        let parse = |fields| match signs {
            true => SourceConfig::parse_signing(kind, fields),
            false => SourceConfig::parse(kind, fields),
        };
        let current = parse(self.fields().collect::<Vec<_>>())?;
        self.older.iter().try_fold(current, |config, older| Ok(config.or(older.config()?)))
    }
}

macro_rules! with_a_secret {
    ($($name:ident = $kind:literal, $whose:literal;)*) => {
        /// Those that are proven with a secret alone.
        impl Source {
            $(
                #[doc = concat!("Requests of ", $whose, ", signed with this secret.")]
                pub fn $name(secret: impl Into<String>) -> Self {
                    Self::of($kind).field("secret", secret)
                }
            )*
        }
    };
}

with_a_secret! {
    standard_webhooks = "standard-webhooks", "whoever signs as Standard Webhooks says";
    airwallex = "airwallex", "Airwallex";
    beehiiv = "beehiiv", "beehiiv";
    brex = "brex", "Brex";
    checkbook = "checkbook", "Checkbook";
    clerk = "clerk", "Clerk";
    docusign = "docusign", "DocuSign";
    easypost = "easypost", "EasyPost";
    github = "github", "GitHub";
    guesty = "guesty", "Guesty";
    hubspot = "hubspot", "HubSpot";
    incident_io = "incident-io", "incident.io";
    lithic = "lithic", "Lithic";
    nango = "nango", "Nango";
    nash = "nash", "Nash";
    open_ai = "open-ai", "OpenAI";
    panda_doc = "panda-doc", "PandaDoc";
    pleo = "pleo", "Pleo";
    port_io = "port-io", "Port";
    psi_fi = "psi-fi", "PsiFi";
    render = "render", "Render";
    replicate = "replicate", "Replicate";
    resend = "resend", "Resend";
    rutter = "rutter", "Rutter";
    safebase = "safebase", "SafeBase";
    sardine = "sardine", "Sardine";
    segment = "segment", "Segment";
    shopify = "shopify", "Shopify";
    slack = "slack", "Slack";
    stripe = "stripe", "Stripe";
    stych = "stych", "Stytch";
    svix = "svix", "whoever signs by Svix";
    tailscale = "tailscale", "Tailscale";
    veriff = "veriff", "Veriff";
    zoom = "zoom", "Zoom";
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, redacted)", self.kind)
    }
}
