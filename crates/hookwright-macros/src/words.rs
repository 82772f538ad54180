//! Names that the engine would refuse at the start, refused while compiling.

use syn::LitStr;

/// The longest name of an event type.
const EVENT_MAX: usize = 256;

/// A resource's name: letters, digits, `-` and `_`, with dots between parts.
pub(crate) fn check_resource(name: &LitStr) -> syn::Result<()> {
    let text = name.value();
    let has_empty_part = text.split('.').any(str::is_empty);
    if has_empty_part || text.contains(|c: char| !is_allowed(c)) {
        return Err(syn::Error::new(
            name.span(),
            "a resource is called by letters, digits, - and _, with single dots between parts: \"bookstore.Book\"",
        ));
    }
    Ok(())
}

/// An event's name: letters, digits and any of `-_.`.
pub(crate) fn check_event(name: &LitStr) -> syn::Result<()> {
    let text = name.value();
    if text.is_empty() || text.len() > EVENT_MAX || text.contains(|c: char| !is_allowed(c)) {
        return Err(syn::Error::new(
            name.span(),
            "an event's name has 1 to 256 characters: letters, digits and any of -_. such as \"payment.paid\"",
        ));
    }
    Ok(())
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}
