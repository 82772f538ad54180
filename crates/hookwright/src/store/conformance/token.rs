//! Access tokens.

use crate::domain::ids::{OrganisationId, TokenId};
use crate::domain::token::{Scope, Token};
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{Fixture, NOW, app, at, id};
use crate::store::write::{CatalogWrite, Changed};

pub(super) async fn tokens_are_found_by_their_hash_until_they_are_revoked(mut f: Fixture) {
    let token = |number, scope| Token {
        id: TokenId::from_bytes(id(number)),
        name: "for 'Bücher'".to_owned(),
        scope,
        created_at: NOW,
        expires_at: Some(at(9)),
        revoked_at: None,
    };
    let operator = token(1, Scope::Organisation(DEFAULT_ORGANISATION));
    let customer = Token { expires_at: None, ..token(2, Scope::Application(DEFAULT_ORGANISATION, app(1))) };
    for (token, hash) in [(&customer, [2; 32]), (&operator, [1; 32])] {
        assert_eq!(f.change(CatalogWrite::TokenInsert { token: token.clone(), hash }), Changed::Yes);
    }
    assert_eq!(f.store.token_by_hash([1; 32]).await.unwrap().as_ref(), Some(&operator));
    assert_eq!(f.store.token_by_hash([2; 32]).await.unwrap().as_ref(), Some(&customer));
    assert_eq!(f.store.token_by_hash([3; 32]).await.unwrap(), None);
    assert_eq!(f.store.token_list(DEFAULT_ORGANISATION).await.unwrap(), [operator.clone(), customer]);

    let revoke = |organisation, now| CatalogWrite::TokenRevoke { organisation, id: operator.id, now };
    let other = OrganisationId::from_bytes(id(5));
    assert_eq!(f.change(revoke(other, at(1))), Changed::Missing, "it belongs to somebody else");
    assert_eq!(f.change(revoke(DEFAULT_ORGANISATION, at(1))), Changed::Yes);
    assert_eq!(f.change(revoke(DEFAULT_ORGANISATION, at(2))), Changed::Yes);
    let revoked = f.store.token_by_hash([1; 32]).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(at(1)), "the first time counts");
}

pub(super) async fn the_good_tokens_of_an_application_are_found_and_expire_no_later_than_asked(
    mut f: Fixture,
) {
    let customer = |application| Scope::Application(DEFAULT_ORGANISATION, app(application));
    let everything = Scope::Organisation(DEFAULT_ORGANISATION);
    for (number, scope, expires_at) in [
        (1, customer(1), None),
        (2, customer(1), Some(at(20))),
        (3, customer(1), Some(at(60))),
        (4, customer(1), Some(at(5))),
        (5, customer(1), None),
        (6, customer(2), None),
        (7, everything, None),
    ] {
        let id = TokenId::from_bytes(id(number));
        let name = String::new();
        let token = Token { id, name, scope, created_at: NOW, expires_at, revoked_at: None };
        let hash = [u8::try_from(number).unwrap(); 32];
        assert_eq!(f.change(CatalogWrite::TokenInsert { token, hash }), Changed::Yes);
    }
    let organisation = DEFAULT_ORGANISATION;
    let fifth = TokenId::from_bytes(id(5));
    assert_eq!(f.change(CatalogWrite::TokenRevoke { organisation, id: fifth, now: at(1) }), Changed::Yes);
    let mut ids = f.store.token_list_good(organisation, app(1), at(5)).await.unwrap();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3].map(|number| TokenId::from_bytes(id(number))));
    let other = OrganisationId::from_bytes(id(5));
    assert_eq!(f.store.token_list_good(other, app(1), at(5)).await.unwrap(), []);

    let expire = |organisation| CatalogWrite::TokensExpire { organisation, ids: ids.clone(), at: at(30) };
    f.change(expire(other));
    f.change(expire(organisation));
    let expiries: Vec<_> =
        f.store.token_list(organisation).await.unwrap().into_iter().map(|token| token.expires_at).collect();
    let (none, thirty) = (None, Some(at(30)));
    assert_eq!(expiries, [thirty, Some(at(20)), thirty, Some(at(5)), none, none, none]);
}
