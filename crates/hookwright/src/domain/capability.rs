//! Capabilities: what a token may do, one by one. Those of an application's token are those of the Svix app portal.

use std::fmt;

/// One thing that a token may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Capability {
    /// Read everything but the secrets of endpoints.
    ViewBase = 1 << 0,
    /// Read the secrets of endpoints.
    ViewEndpointSecret = 1 << 1,
    /// Read and rotate the secrets of endpoints.
    ManageEndpointSecret = 1 << 2,
    /// Change the transformations of endpoints.
    ManageTransformations = 1 << 3,
    /// Send messages once more, and examples.
    CreateAttempts = 1 << 4,
    /// Make, change and delete endpoints, and read and change all that belongs to them, secrets too.
    ManageEndpoint = 1 << 5,
    /// Do everything, also what only an organisation can: send messages, look after applications, event types and tokens.
    ManageOrganisation = 1 << 6,
}

/// All capabilities there are.
const ALL: [Capability; 7] = [
    Capability::ViewBase,
    Capability::ViewEndpointSecret,
    Capability::ManageEndpointSecret,
    Capability::ManageTransformations,
    Capability::CreateAttempts,
    Capability::ManageEndpoint,
    Capability::ManageOrganisation,
];

impl Capability {
    /// Those that an application's token can have.
    pub const OF_APPLICATION: [Capability; 6] = [
        Capability::ViewBase,
        Capability::ViewEndpointSecret,
        Capability::ManageEndpointSecret,
        Capability::ManageTransformations,
        Capability::CreateAttempts,
        Capability::ManageEndpoint,
    ];

    /// The word for it: that of Svix's `AppPortalCapability`, or `ManageOrganisation`.
    pub fn word(self) -> &'static str {
        match self {
            Capability::ViewBase => "ViewBase",
            Capability::ViewEndpointSecret => "ViewEndpointSecret",
            Capability::ManageEndpointSecret => "ManageEndpointSecret",
            Capability::ManageTransformations => "ManageTransformations",
            Capability::CreateAttempts => "CreateAttempts",
            Capability::ManageEndpoint => "ManageEndpoint",
            Capability::ManageOrganisation => "ManageOrganisation",
        }
    }

    /// The capability with this word.
    pub fn from_word(word: &str) -> Option<Capability> {
        ALL.into_iter().find(|capability| capability.word() == word)
    }

    /// This one and those that include it. Who may make tokens could make one that may do everything.
    const fn granted_by(self) -> u8 {
        let wider = match self {
            Capability::ViewEndpointSecret => {
                Capability::ManageEndpointSecret as u8 | Capability::ManageEndpoint as u8
            }
            Capability::ManageEndpointSecret | Capability::ManageTransformations => {
                Capability::ManageEndpoint as u8
            }
            _ => 0,
        };
        self as u8 | wider | Capability::ManageOrganisation as u8
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A set of capabilities. It always has `ViewBase`: whoever may do something may look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Capabilities(u8);

impl Capabilities {
    /// Reading alone, without the secrets of endpoints.
    pub const READ_ONLY: Capabilities = Capabilities(Capability::ViewBase as u8);

    /// All that an application's token can have.
    pub fn application() -> Capabilities {
        Capability::OF_APPLICATION.into_iter().collect()
    }

    /// All there are.
    pub fn organisation() -> Capabilities {
        ALL.into_iter().collect()
    }

    /// Whether they allow what needs `capability`: they have it, or one that includes it.
    pub fn allow(self, capability: Capability) -> bool {
        self.0 & capability.granted_by() != 0
    }

    /// Those that are in both.
    pub fn within(self, limit: Capabilities) -> Capabilities {
        Capabilities(self.0 & limit.0)
    }

    /// Each of them, in the order of [`Capability`].
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        ALL.into_iter().filter(move |&capability| self.0 & capability as u8 != 0)
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Capabilities {
        let bits = capabilities.into_iter().fold(0, |bits, capability| bits | capability as u8);
        Capabilities(bits | Capabilities::READ_ONLY.0)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_as_they_were() {
        for capability in ALL {
            assert_eq!(Capability::from_word(capability.word()), Some(capability));
        }
        assert_eq!(Capability::from_word("viewbase"), None);
        let two = Capabilities::from_iter([Capability::CreateAttempts]);
        assert_eq!(format!("{two:?}"), "{ViewBase, CreateAttempts}");
    }

    #[test]
    fn who_may_manage_an_endpoint_may_manage_its_secret_and_not_send_again() {
        let manages = Capabilities::from_iter([Capability::ManageEndpoint]);
        for allowed in [
            Capability::ViewBase,
            Capability::ViewEndpointSecret,
            Capability::ManageEndpointSecret,
            Capability::ManageTransformations,
        ] {
            assert!(manages.allow(allowed), "{allowed}");
        }
        assert!(!manages.allow(Capability::CreateAttempts) && !manages.allow(Capability::ManageOrganisation));
        let rotates = Capabilities::from_iter([Capability::ManageEndpointSecret]);
        assert!(rotates.allow(Capability::ViewEndpointSecret) && !rotates.allow(Capability::ManageEndpoint));
        assert!(!Capabilities::application().allow(Capability::ManageOrganisation));
        let manages_all = Capabilities::from_iter([Capability::ManageOrganisation]);
        assert!(ALL.into_iter().all(|capability| manages_all.allow(capability)));
        assert_eq!(Capabilities::organisation().within(Capabilities::READ_ONLY), Capabilities::READ_ONLY);
    }
}
