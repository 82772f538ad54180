//! `#[hook(event = "…", owner = …)]`: what a function returns is sent.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Expr, FnArg, ItemFn, LitStr, Pat, ReturnType, Type, parse_quote};

use crate::words;

/// What an error shows as how to write it.
const EXAMPLE: &str = "#[hook(event = \"payment.paid\", owner = order.user_id)]";

/// What stands in `#[hook(…)]`.
struct Arguments {
    event: LitStr,
    owner: Expr,
    hooks: Option<Expr>,
}

/// The code for a function with `#[hook(…)]`.
pub(crate) fn expand(arguments: TokenStream, function: TokenStream) -> syn::Result<TokenStream> {
    let arguments = Arguments::read(arguments)?;
    let mut function: ItemFn = syn::parse2(function)?;
    let hooks = hooks(&arguments, &function)?;
    let returned = returned(&function)?;
    let (event, owner, body) = (&arguments.event, &arguments.owner, &function.block);

    // At the return type's place: an error type without `From<hookwright::Error>` is told there.
    let failed = quote_spanned! {returned.span()=>
        ::hookwright::macro_support::failed(__hookwright_error)
    };
    let is_result = is_result(&returned);
    let returns_plainly = !is_result;
    let output: Type = match is_result {
        true => returned.clone(),
        false => parse_quote!(::core::result::Result<#returned, ::hookwright::Error>),
    };
    let value = match returns_plainly {
        true => quote!(__hookwright_returned),
        false => quote!(match __hookwright_returned {
            ::core::result::Result::Ok(value) => value,
            ::core::result::Result::Err(error) => return ::core::result::Result::Err(error),
        }),
    };
    let handle = quote_spanned! {hooks.span()=> {
        let __hookwright_hooks: &::hookwright::Hooks = &#hooks;
        __hookwright_hooks
    }};
    let (begin, send) = match owner {
        Expr::Closure(_) => (
            quote!(::hookwright::macro_support::Returning::to_be_seen(#handle, #event)),
            quote_spanned!(owner.span()=> __hookwright_call.send_for(&__hookwright_value, #owner)),
        ),
        _ => {
            let read = quote_spanned!(owner.span()=> ::hookwright::AsOwner::as_owner(&(#owner)));
            (
                quote!(::hookwright::macro_support::Returning::to_owner(#handle, #event, #read)),
                // At the return type's place: a value that cannot be serialised is told there.
                quote_spanned!(returned.span()=> __hookwright_call.send(&__hookwright_value)),
            )
        }
    };
    function.sig.asyncness.get_or_insert_with(Default::default);
    function.sig.output = parse_quote!(-> #output);
    function.block = parse_quote!({
        let __hookwright_call = match #begin {
            ::core::result::Result::Ok(call) => call,
            ::core::result::Result::Err(__hookwright_error) => return #failed,
        };
        let __hookwright_returned: #returned = async move #body.await;
        let __hookwright_value = #value;
        match #send.await {
            ::core::result::Result::Ok(_) => ::core::result::Result::Ok(__hookwright_value),
            ::core::result::Result::Err(__hookwright_error) => #failed,
        }
    });
    Ok(function.into_token_stream())
}

impl Arguments {
    fn read(tokens: TokenStream) -> syn::Result<Arguments> {
        let (mut event, mut owner, mut hooks) = (None::<LitStr>, None, None);
        let read = syn::meta::parser(|meta| {
            let is_repeated = if meta.path.is_ident("event") {
                event.replace(meta.value()?.parse()?).is_some()
            } else if meta.path.is_ident("owner") {
                owner.replace(meta.value()?.parse()?).is_some()
            } else if meta.path.is_ident("hooks") {
                hooks.replace(meta.value()?.parse()?).is_some()
            } else {
                return Err(meta.error("unknown: there are `event`, `owner` and `hooks`"));
            };
            match is_repeated {
                true => Err(meta.error("given twice: leave one out")),
                false => Ok(()),
            }
        });
        let span = tokens.span();
        read.parse2(tokens)?;
        let (Some(event), Some(owner)) = (event, owner) else {
            return Err(syn::Error::new(span, format!("say which event is sent, and to whom: {EXAMPLE}")));
        };
        words::check_event(&event)?;
        Ok(Arguments { event, owner, hooks })
    }
}

/// Where the engine's handle is found.
fn hooks(arguments: &Arguments, function: &ItemFn) -> syn::Result<Expr> {
    if let Some(hooks) = &arguments.hooks {
        return Ok(hooks.clone());
    }
    let named = function.sig.inputs.iter().find_map(|input| match input {
        FnArg::Typed(argument) => match &*argument.pat {
            Pat::Ident(name) if name.ident == "hooks" => Some(&name.ident),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    });
    match named {
        Some(name) => Ok(parse_quote!(#name)),
        None => Err(syn::Error::new(
            function.sig.ident.span(),
            "there is no argument `hooks` to send with: add `hooks: &hookwright::Hooks`, or say where the engine's handle is, \
             such as #[hook(…, hooks = self.hooks)]",
        )),
    }
}

/// The type that the function returns.
fn returned(function: &ItemFn) -> syn::Result<Type> {
    match &function.sig.output {
        ReturnType::Type(_, returned) if matches!(**returned, Type::ImplTrait(_)) => Err(syn::Error::new(
            returned.span(),
            "what is returned is the payload, so its type must be written out: `impl` does not do",
        )),
        ReturnType::Type(_, returned) => Ok((**returned).clone()),
        ReturnType::Default => Err(syn::Error::new(
            function.sig.ident.span(),
            "the function returns nothing: what it returns is the payload that is sent",
        )),
    }
}

/// Whether a type is called `Result`, wherever it is from.
fn is_result(returned: &Type) -> bool {
    match returned {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Result"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(arguments: TokenStream, function: TokenStream) -> String {
        expand(arguments, function).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_a_hook_is_told_with_what_to_write() {
        let paid = || quote!(event = "payment.paid", owner = user);
        let message = refused(
            quote!(owner = user),
            quote!(
                fn pay(hooks: &Hooks) -> u8 {
                    1
                }
            ),
        );
        assert_eq!(message, format!("say which event is sent, and to whom: {EXAMPLE}"));
        let message = refused(
            quote!(event = "a b", owner = user),
            quote!(
                fn pay(hooks: &Hooks) -> u8 {
                    1
                }
            ),
        );
        assert!(message.starts_with("an event's name has"), "{message}");
        let message = refused(
            quote!(event = "a", to = user),
            quote!(
                fn pay(hooks: &Hooks) -> u8 {
                    1
                }
            ),
        );
        assert_eq!(message, "unknown: there are `event`, `owner` and `hooks`");
        let message = refused(
            paid(),
            quote!(
                fn pay(user: i64) -> u8 {
                    1
                }
            ),
        );
        assert!(message.starts_with("there is no argument `hooks`"), "{message}");
        let message = refused(
            paid(),
            quote!(
                fn pay(hooks: &Hooks, user: i64) {}
            ),
        );
        assert!(message.starts_with("the function returns nothing"), "{message}");
        let message = refused(
            paid(),
            quote!(
                fn pay(hooks: &Hooks) -> impl Serialize {
                    1
                }
            ),
        );
        assert!(message.contains("`impl` does not do"), "{message}");
        let message = refused(
            paid(),
            quote!(
                struct Pay;
            ),
        );
        assert!(message.contains("fn"), "{message}");
    }

    #[test]
    fn a_plain_value_comes_in_a_result_and_a_function_comes_to_be_async() {
        let code = expand(
            quote!(event = "payment.paid", owner = user),
            quote!(
                pub(crate) fn pay(hooks: &Hooks, user: i64) -> Payment {
                    Payment
                }
            ),
        );
        let code = code.unwrap().to_string();
        let head = "pub (crate) async fn pay (hooks : & Hooks , user : i64) -> \
                    :: core :: result :: Result < Payment , :: hookwright :: Error >";
        assert!(code.starts_with(head), "{code}");
    }
}
