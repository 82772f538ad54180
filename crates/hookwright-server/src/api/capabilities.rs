//! Capabilities of tokens on the wire: the words of Svix's `AppPortalCapability`.

use hookwright::domain::capability::{Capabilities, Capability};

use crate::api::fields::Fields;

/// The capabilities that the words in `field` stand for. `ViewBase` must be among them, as Svix has it.
pub(crate) fn checked(fields: &mut Fields, field: &'static str, words: &[String]) -> Capabilities {
    let portal = |word: &String| {
        Capability::from_word(word).filter(|capability| Capability::OF_APPLICATION.contains(capability))
    };
    if let Some(at) = words.iter().position(|word| portal(word).is_none()) {
        let all = Capability::OF_APPLICATION.map(Capability::word).join(", ");
        fields.refuse_saying(field, format!("{field}[{at}] must be one of {all}."));
    } else if !words.iter().any(|word| word == Capability::ViewBase.word()) {
        fields.refuse(field, "must have ViewBase, which everything else is built on");
    }
    words.iter().filter_map(portal).collect()
}
