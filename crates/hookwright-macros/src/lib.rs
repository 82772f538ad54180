//! The macros of hookwright, which exports them: use them from there.
//!
//! They write calls of the engine and decide nothing themselves.

mod hook; // #[hook(event = "…")] on a function
mod resource; // #[derive(Resource)]
mod words; // names that are checked while compiling

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a type a resource: changes of its values can be events.
///
/// - `name` is what the declared events call it, such as `"bookstore.Book"`.
/// - `owner` says whose it is: one of its fields, or any expression on `self` (`self.account.user_id`, `account.user_id`,
///   `owner_of(self)`). What it gives must be an owner's name (`hookwright::AsOwner`). A resource without an owner can only be
///   used with events for all applications.
/// - `payload`, if given, is called with the resource, and what it returns is serialised in place of the resource itself.
///
/// The type gets the constants `CREATED`, `UPDATED` and `DELETED`, and `action("…")` for actions of its own.
#[proc_macro_derive(Resource, attributes(resource))]
pub fn derive_resource(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as syn::DeriveInput);
    resource::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Sends what a function returns, as an event to an owner.
///
/// `#[hook(event = "payment.paid", owner = EXPRESSION)]` on a function that returns a `Result` sends what is in its `Ok`;
/// nothing is sent if it returns an error. Its error type needs `From<hookwright::Error>`: the event that is not declared and the
/// owner that is missing are told before the body runs, and a webhook that could not be stored after it has run. A return
/// type counts as a `Result` if it is called so where it is written, so an alias must be called that too. A function
/// that returns a plain value comes to return `Result<_, hookwright::Error>`. Sending is async, so a function that is not comes to
/// be.
///
/// - `event` is the name of a declared event.
/// - `owner` is an expression on the arguments (`order.user_id`), looked at before the body runs, or a closure that gets
///   what the function returns (`|payment| payment.user_id`).
/// - `hooks`, if given, is the expression that the engine's handle is found at (`self.hooks`); otherwise it is the argument
///   named `hooks`.
#[proc_macro_attribute]
pub fn hook(arguments: TokenStream, function: TokenStream) -> TokenStream {
    hook::expand(arguments.into(), function.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
