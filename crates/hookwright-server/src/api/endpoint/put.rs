//! An endpoint that a PUT brings, whosever endpoints they are: put in the place of the one that is there, or made.

use hookwright::domain::names::Uid;
use hookwright::hooks::{EndpointEdit, EndpointRef, NewEndpoint};

use crate::api::endpoint::dto::set_disabled;

/// What a PUT brings, and the name that its path has.
pub(in crate::api) struct EndpointPut {
    new: NewEndpoint,
    uid: Option<Uid>,
}

impl EndpointPut {
    /// `new`, to be put where the path names `named`.
    pub(in crate::api) fn new(named: &EndpointRef, mut new: NewEndpoint) -> EndpointPut {
        if let EndpointRef::Uid(uid) = named {
            // Otherwise the same request sent again would not find it.
            new.settings.uid.get_or_insert_with(|| uid.clone());
        }
        EndpointPut { new, uid: named.as_uid() }
    }

    /// Puts it in the place of the one that is there. Its secret and its headers stay.
    pub(in crate::api) fn replace(&self, edit: &mut EndpointEdit) {
        let is_named_by_uid = edit.settings.uid == self.uid;
        let there = std::mem::replace(&mut edit.settings, self.new.settings.clone());
        // A hook stays a hook: neither can be said here.
        (edit.settings.format, edit.settings.identifier) = (there.format, there.identifier);
        if is_named_by_uid && edit.settings.uid.is_none() {
            edit.settings.uid.clone_from(&self.uid);
        }
        set_disabled(&mut edit.disabled, self.new.disabled.is_some());
    }

    /// The endpoint to make if none is there: an id of another server becomes the uid.
    pub(in crate::api) fn into_new(self) -> NewEndpoint {
        let EndpointPut { mut new, uid } = self;
        new.settings.uid = new.settings.uid.or(uid);
        new
    }
}
