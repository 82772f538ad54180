//! What a request must bring to be believed, and how much of it is read.

use std::sync::Arc;

use hookwright::Clock;
use hookwright_signature::provider::{ConfigError, Source, SourceConfig};
use http::Method;

/// So many bytes of a body are read unless something else is said: 1 MiB.
const BODY_LIMIT_DEFAULT: usize = 1024 * 1024;

/// Proves requests of a [`Source`]. Clones are cheap and share its secrets.
#[derive(Debug, Clone)]
pub struct Proof {
    pub(super) config: Arc<SourceConfig>,
    pub(super) methods: Vec<Method>,
    pub(super) body_limit: usize,
    pub(super) public_url: Option<String>,
    pub(super) clock: Clock,
}

impl Proof {
    /// What proves requests of this source.
    ///
    /// Fails with what is wrong with the source: an empty secret, a kind that cannot be verified.
    pub fn of(source: Source) -> Result<Proof, ConfigError> {
        let config = source.config()?;
        let mut methods = vec![Method::POST];
        if config.kind().uses_get() {
            methods.push(Method::GET);
        }
        Ok(Proof {
            config: Arc::new(config),
            methods,
            body_limit: BODY_LIMIT_DEFAULT,
            public_url: None,
            clock: Clock::system(),
        })
    }

    /// Reads bodies of up to so many bytes, in the place of 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Proof {
        self.body_limit = bytes;
        self
    }

    /// Takes these methods, in the place of POST, and GET where the provider uses it.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Proof {
        self.methods = methods.into_iter().collect();
        self
    }

    /// The URL under which the provider reaches this program, without a path: HubSpot signs it.
    pub fn public_url(mut self, url: impl AsRef<str>) -> Proof {
        self.public_url = Some(url.as_ref().trim_end_matches('/').to_owned());
        self
    }

    /// Judges timestamps by this clock, in the place of the machine's: for tests.
    pub fn clock(mut self, clock: Clock) -> Proof {
        self.clock = clock;
        self
    }
}
