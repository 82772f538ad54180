//! What other nodes have changed: it is forgotten here, as the local change forgets it.

use std::collections::HashSet;

use crate::catalog::Catalog;
use crate::domain::ids::ApplicationId;
use crate::store::change::{Change, Told};

impl Catalog {
    /// Forgets what these changes made old. When this returns nobody is answered with it any more.
    pub(crate) fn heard(&self, changes: &[Told]) {
        let cache = &self.cache;
        let mut applications: HashSet<ApplicationId> = HashSet::new();
        let (mut tokens, mut sources) = (false, false);
        for told in changes {
            match told.change {
                Change::Nothing | Change::Expunged(..) => {}
                Change::Application(application) => {
                    applications.insert(application);
                    // Those of an application go with it.
                    tokens = true;
                }
                Change::Endpoint(application, _) | Change::EndpointOff(application, ..) => {
                    cache.forget_application(application);
                }
                Change::Operational(organisation) => cache.forget_operational(organisation),
                Change::EventTypes(organisation) => cache.forget_event_types(organisation),
                Change::Source(source, application) => {
                    cache.forget_source(source);
                    application.into_iter().for_each(|application| cache.forget_application(application));
                    sources = true;
                }
                Change::Tokens => tokens = true,
            }
        }
        if !applications.is_empty() {
            cache.forget_applications(&applications);
        }
        if tokens {
            cache.forget_tokens();
        }
        if sources {
            self.sources_changed.notify_one();
        }
    }

    /// Forgets all that is in memory: what others have changed meanwhile is not known.
    pub(crate) fn forget_all(&self) {
        self.cache.forget_all();
        self.sources_changed.notify_one();
    }
}
