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
