//! `#[derive(Resource)]`: the trait's implementation, and the constants that events are declared with.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Expr, Fields, Ident, LitStr, Member, parse_quote_spanned};

use crate::words;

/// What an error shows as how to write it.
const EXAMPLE: &str = "#[resource(name = \"bookstore.Book\", owner = user_id)]";

/// What stands in `#[resource(…)]`.
#[derive(Default)]
struct Arguments {
    name: Option<LitStr>,
    owner: Option<Expr>,
    payload: Option<Expr>,
}

/// The code for a type with `#[derive(Resource)]`.
pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    if let Data::Union(data) = &input.data {
        return Err(syn::Error::new(
            data.union_token.span(),
            "a union cannot be a resource: use a struct or an enum",
        ));
    }
    let arguments = Arguments::read(input)?;
    let Some(name) = &arguments.name else {
        let message = format!("say what events call this resource: {EXAMPLE}");
        return Err(syn::Error::new(input.ident.span(), message));
    };
    words::check_resource(name)?;

    let owner = arguments.owner.map(|owner| on_self(owner, input)).transpose()?.map(|owner| {
        // At the expression's place, so that a type that is no owner is told there.
        let read = quote_spanned!(owner.span()=> ::hookwright::AsOwner::as_owner(&(#owner)));
        quote! {
            fn owner(
                &self,
            ) -> ::core::result::Result<::hookwright::OwnerId, ::hookwright::OwnerError> {
                #read
            }
        }
    });
    let payload = arguments.payload.map(|payload| {
        let json = quote_spanned!(payload.span()=> ::hookwright::macro_support::json_of(self, #payload));
        quote! {
            fn payload(
                &self,
            ) -> ::core::result::Result<::std::vec::Vec<u8>, ::hookwright::macro_support::JsonError> {
                #json
            }
        }
    });

    let (ident, visibility) = (&input.ident, &input.vis);
    let (impl_generics, type_generics, conditions) = input.generics.split_for_impl();
    let constants = [("CREATED", "created"), ("UPDATED", "updated"), ("DELETED", "deleted")];
    let constants = constants.map(|(constant, action)| {
        let constant = Ident::new(constant, ident.span());
        let says = format!("`{}.{action}`: what an event is declared with.", name.value());
        quote! {
            #[doc = #says]
            #visibility const #constant: ::hookwright::ResourceAction =
                ::hookwright::ResourceAction::new(#name, #action);
        }
    });
    let says = format!("An action of its own on `{}`: what an event is declared with.", name.value());
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::hookwright::Resource for #ident #type_generics #conditions {
            const NAME: &'static str = #name;
            #owner
            #payload
        }

        #[automatically_derived]
        #[allow(dead_code)]
        impl #impl_generics #ident #type_generics #conditions {
            #(#constants)*

            #[doc = #says]
            #visibility const fn action(action: &'static str) -> ::hookwright::ResourceAction {
                ::hookwright::ResourceAction::new(#name, action)
            }
        }
    })
}

impl Arguments {
    fn read(input: &DeriveInput) -> syn::Result<Arguments> {
        let mut arguments = Arguments::default();
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("resource")) {
            attribute.parse_nested_meta(|meta| {
                let is_repeated = if meta.path.is_ident("name") {
                    arguments.name.replace(meta.value()?.parse()?).is_some()
                } else if meta.path.is_ident("owner") {
                    arguments.owner.replace(meta.value()?.parse()?).is_some()
                } else if meta.path.is_ident("payload") {
                    arguments.payload.replace(meta.value()?.parse()?).is_some()
                } else {
                    return Err(meta.error("unknown: there are `name`, `owner` and `payload`"));
                };
                match is_repeated {
                    true => Err(meta.error("given twice: leave one out")),
                    false => Ok(()),
                }
            })?;
        }
        Ok(arguments)
    }
}

/// The owner as an expression on `self`: where it begins with the name of a field, that field is meant.
fn on_self(mut owner: Expr, input: &DeriveInput) -> syn::Result<Expr> {
    let is_name_alone = matches!(owner, Expr::Path(_));
    let root = root(&mut owner);
    let Expr::Path(path) = &*root else { return Ok(owner) };
    let Some(name) = path.path.get_ident().filter(|name| *name != "self").cloned() else { return Ok(owner) };
    if fields(input).contains(&Member::Named(name.clone())) {
        *root = parse_quote_spanned!(name.span()=> self.#name);
        return Ok(owner);
    }
    if is_name_alone {
        let message = format!(
            "{} has no field `{name}`: name one of its fields, or write an expression such as `self.user().id`",
            input.ident
        );
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(owner)
}

/// What `a.b.c()` begins with: `a`.
fn root(expression: &mut Expr) -> &mut Expr {
    match expression {
        Expr::Field(field) => root(&mut field.base),
        Expr::MethodCall(call) => root(&mut call.receiver),
        other => other,
    }
}

fn fields(input: &DeriveInput) -> Vec<Member> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            fields @ (Fields::Named(_) | Fields::Unnamed(_)) => fields.members().collect(),
            Fields::Unit => Vec::new(),
        },
        Data::Enum(_) | Data::Union(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What deriving for `input` fails with.
    fn refused(input: TokenStream) -> String {
        expand(&syn::parse2(input).unwrap()).unwrap_err().to_string()
    }

    fn expanded(input: TokenStream) -> String {
        expand(&syn::parse2(input).unwrap()).unwrap().to_string()
    }

    #[test]
    fn what_cannot_be_a_resource_is_told_with_what_to_write() {
        let message = refused(quote!(
            struct Book {
                id: i64,
            }
        ));
        assert_eq!(message, format!("say what events call this resource: {EXAMPLE}"));
        let message = refused(quote!(
            #[resource(name = "book store")]
            struct Book;
        ));
        assert!(message.contains("letters, digits, - and _"), "{message}");
        let message = refused(quote!(
            #[resource(name = "a..b")]
            struct Book;
        ));
        assert!(message.contains("single dots"), "{message}");
        let message = refused(quote!(
            #[resource(name = "Book", user = id)]
            struct Book {
                id: i64,
            }
        ));
        assert_eq!(message, "unknown: there are `name`, `owner` and `payload`");
        let message = refused(quote!(
            #[resource(name = "Book", name = "Book")]
            struct Book;
        ));
        assert_eq!(message, "given twice: leave one out");
        let message = refused(quote!(
            #[resource(name = "Book", owner = usr_id)]
            struct Book {
                user_id: i64,
            }
        ));
        assert!(message.starts_with("Book has no field `usr_id`"), "{message}");
        let message = refused(quote!(#[resource(name = "Book")] union Book { a: i64 }));
        assert!(message.starts_with("a union"), "{message}");
    }

    #[test]
    fn an_owner_is_a_field_or_what_is_written() {
        let owner_of = |owner: TokenStream| {
            expanded(quote!(
                #[resource(name = "Book", owner = #owner)]
                struct Book {
                    user: User,
                }
            ))
        };
        for (owner, read) in [
            (quote!(user), "self . user"),
            (quote!(user.id), "self . user . id"),
            (quote!(user.id()), "self . user . id ()"),
            (quote!(self.user.id), "self . user . id"),
            (quote!(owner_of(self)), "owner_of (self)"),
        ] {
            let code = owner_of(owner);
            assert!(code.contains(&format!("as_owner (& ({read}))")), "{code}");
        }
    }
}
