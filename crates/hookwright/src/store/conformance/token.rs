//! Access tokens.

use std::time::Duration;

use crate::domain::capability::{Capabilities, Capability};
use crate::domain::ids::{OrganisationId, TokenId};
use crate::domain::names::{FeatureFlag, SessionId};
use crate::domain::page::{self, Order, PageRequest};
use crate::domain::time::Timestamp;
use crate::domain::token::{Scope, Token, TokenChange, TokenFilter, TokenSettings};
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{Fixture, NOW, app, at, id};
use crate::store::write::{CatalogWrite, Changed};

pub(super) const EVERYTHING: Scope = Scope::Organisation(DEFAULT_ORGANISATION);

pub(super) fn customer(application: u16) -> Scope {
    Scope::Application(DEFAULT_ORGANISATION, app(application))
}

pub(super) fn token(number: u16, scope: Scope, expires_at: Option<Timestamp>) -> Token {
    let settings = TokenSettings { expires_at, ..TokenSettings::new("for 'Bücher'", scope) };
    Token { id: TokenId::from_bytes(id(number)), settings, created_at: NOW, revoked_at: None }
}

pub(super) fn insert(f: &mut Fixture, token: &Token, hash: u8) {
    let write = CatalogWrite::TokenInsert { token: token.clone(), hash: [hash; 32] };
    assert_eq!(f.change(write), Changed::Yes);
}

pub(super) async fn tokens_are_found_by_their_hash_until_they_are_revoked(mut f: Fixture) {
    let operator = token(1, EVERYTHING, Some(at(9)));
    let mut customer = token(2, customer(1), None);
    customer.settings.capabilities = Capabilities::from_iter([Capability::CreateAttempts]);
    customer.settings.feature_flags = ["beta", "v2.x"].map(|flag| FeatureFlag::parse(flag).unwrap()).into();
    customer.settings.session = Some(SessionId::parse("user_1@shop").unwrap());
    insert(&mut f, &customer, 2);
    insert(&mut f, &operator, 1);
    assert_eq!(f.store.token_by_hash([1; 32]).await.unwrap().as_ref(), Some(&operator));
    assert_eq!(f.store.token_by_hash([2; 32]).await.unwrap().as_ref(), Some(&customer));
    assert_eq!(f.store.token_by_hash([3; 32]).await.unwrap(), None);

    let other = OrganisationId::from_bytes(id(5));
    assert_eq!(f.store.token_get(other, operator.id).await.unwrap(), None);
    assert_eq!(f.store.token_get(DEFAULT_ORGANISATION, customer.id).await.unwrap(), Some(customer));
    let revoke = |organisation, now| CatalogWrite::TokenRevoke { organisation, id: operator.id, now };
    assert_eq!(f.change(revoke(other, at(1))), Changed::Missing, "it belongs to somebody else");
    assert_eq!(f.change(revoke(DEFAULT_ORGANISATION, at(1))), Changed::Yes);
    assert_eq!(f.change(revoke(DEFAULT_ORGANISATION, at(2))), Changed::Yes);
    let revoked = f.store.token_by_hash([1; 32]).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(at(1)), "the first time counts");
}

pub(super) async fn a_change_of_a_token_leaves_what_it_does_not_name(mut f: Fixture) {
    let before = token(1, customer(1), Some(at(9)));
    insert(&mut f, &before, 1);
    let update = |organisation, name: Option<&str>, capabilities| CatalogWrite::TokenUpdate {
        organisation,
        id: before.id,
        change: TokenChange { name: name.map(str::to_owned), capabilities },
    };
    let other = OrganisationId::from_bytes(id(5));
    assert_eq!(f.change(update(other, Some("taken"), None)), Changed::Missing);
    assert_eq!(f.change(update(DEFAULT_ORGANISATION, Some("new"), None)), Changed::Yes);
    let mut wanted = before.clone();
    wanted.settings.name = "new".to_owned();
    assert_eq!(f.store.token_by_hash([1; 32]).await.unwrap().as_ref(), Some(&wanted));
    let less = Some(Capabilities::READ_ONLY);
    assert_eq!(f.change(update(DEFAULT_ORGANISATION, None, less)), Changed::Yes);
    wanted.settings.capabilities = Capabilities::READ_ONLY;
    assert_eq!(f.store.token_by_hash([1; 32]).await.unwrap(), Some(wanted));
}

pub(super) async fn tokens_are_listed_by_whose_they_are_and_walked_both_ways(mut f: Fixture) {
    let foreign = Scope::Organisation(OrganisationId::from_bytes(id(5)));
    let scopes = [EVERYTHING, customer(1), foreign, EVERYTHING, customer(2), customer(1), EVERYTHING];
    for (number, scope) in (1..).zip(scopes) {
        insert(&mut f, &token(number, scope, None), u8::try_from(number).unwrap());
    }
    for (filter, wanted) in [
        (TokenFilter::All, &[1, 2, 4, 5, 6, 7][..]),
        (TokenFilter::Organisation, &[1, 4, 7]),
        (TokenFilter::Application(app(1)), &[2, 6]),
        (TokenFilter::Application(app(3)), &[]),
    ] {
        for order in [Order::Ascending, Order::Descending] {
            let mut wanted: Vec<_> = wanted.iter().map(|&number| TokenId::from_bytes(id(number))).collect();
            if order == Order::Descending {
                wanted.reverse();
            }
            let mut seen = Vec::new();
            let mut request = PageRequest::first(2, order);
            loop {
                let page = f.store.token_list(DEFAULT_ORGANISATION, filter, request.clone()).await.unwrap();
                seen.extend(page.items.iter().map(|token| token.id));
                if page.done {
                    break;
                }
                request.from = seen.last().copied().map(page::From::After);
            }
            assert_eq!(seen, wanted, "{filter:?}");
        }
    }
}

pub(super) async fn the_good_tokens_of_an_application_are_found_and_expire_no_later_than_asked(
    mut f: Fixture,
) {
    for (number, scope, expires_at) in [
        (1, customer(1), None),
        (2, customer(1), Some(at(20))),
        (3, customer(1), Some(at(60))),
        (4, customer(1), Some(at(5))),
        (5, customer(1), None),
        (6, customer(2), None),
        (7, EVERYTHING, None),
    ] {
        let mut token = token(number, scope, expires_at);
        token.settings.session = (number == 2).then(|| SessionId::parse("s").unwrap());
        insert(&mut f, &token, u8::try_from(number).unwrap());
    }
    let organisation = DEFAULT_ORGANISATION;
    let fifth = TokenId::from_bytes(id(5));
    assert_eq!(f.change(CatalogWrite::TokenRevoke { organisation, id: fifth, now: at(1) }), Changed::Yes);
    let mut good = f.store.token_list_good(organisation, app(1), at(5)).await.unwrap();
    good.sort_unstable();
    let sessions: Vec<_> = good.iter().map(|(_, session)| session.as_ref().map(SessionId::as_str)).collect();
    assert_eq!(sessions, [None, Some("s"), None]);
    let ids: Vec<_> = good.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [1, 2, 3].map(|number| TokenId::from_bytes(id(number))));
    let other = OrganisationId::from_bytes(id(5));
    assert_eq!(f.store.token_list_good(other, app(1), at(5)).await.unwrap(), []);

    let expire = |organisation| CatalogWrite::TokensExpire { organisation, ids: ids.clone(), at: at(30) };
    assert_eq!(f.change(expire(other)), Changed::Missing);
    assert_eq!(f.change(expire(organisation)), Changed::Yes);
    let page = PageRequest::first(9, Order::Ascending);
    let all = f.store.token_list(organisation, TokenFilter::All, page).await.unwrap().items;
    let expiries: Vec<_> = all.into_iter().map(|token| token.settings.expires_at).collect();
    let (none, thirty) = (None, Some(at(30)));
    assert_eq!(expiries, [thirty, Some(at(20)), thirty, Some(at(5)), none, none, none]);
}

pub(super) async fn tokens_of_an_application_that_expired_long_ago_go_as_new_ones_come(mut f: Fixture) {
    let long_ago = Some(NOW.before(Duration::from_secs(31 * 24 * 3_600)));
    let lately = Some(NOW.before(Duration::from_secs(29 * 24 * 3_600)));
    insert(&mut f, &token(1, EVERYTHING, long_ago), 1);
    for number in 2..=15 {
        let mut old = token(number, customer(if number == 2 { 2 } else { 1 }), long_ago);
        old.created_at = Timestamp::from_micros(0);
        insert(&mut f, &old, u8::try_from(number).unwrap());
    }
    insert(&mut f, &token(16, customer(1), lately), 16);
    let count = async |filter| {
        let page = PageRequest::first(50, Order::Ascending);
        f.store.token_list(DEFAULT_ORGANISATION, filter, page).await.unwrap().items.len()
    };
    assert_eq!(count(TokenFilter::Application(app(1))).await, 13 - 10 + 1);
    assert_eq!(count(TokenFilter::All).await, 13 - 10 + 3, "those of others stay");
    insert(&mut f, &token(17, customer(1), None), 17);
    let page = PageRequest::first(50, Order::Ascending);
    let left =
        f.store.token_list(DEFAULT_ORGANISATION, TokenFilter::Application(app(1)), page).await.unwrap();
    assert_eq!(left.items.len(), 2);
}
