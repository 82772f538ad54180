//! The macros, on all that they may stand above.

use hookwright::{Error, Hooks, OwnerError, Raw, Resource as _, hook};
use serde::Serialize;
use serde_json::json;

const HOOK: &str = "https://example.com/hook";

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Payment {
    order: u64,
    payer: Option<u64>,
}

#[derive(Debug)]
enum PayError {
    Declined,
    Hooks(Error),
}

impl From<Error> for PayError {
    fn from(error: Error) -> PayError {
        PayError::Hooks(error)
    }
}

struct Order {
    number: u64,
    user: Option<u64>,
}

#[hook(event = "payment.paid", owner = order.user)]
async fn pay(hooks: &Hooks, order: Order, is_covered: bool) -> Result<Payment, PayError> {
    if !is_covered {
        return Err(PayError::Declined);
    }
    let payer = ask_the_bank(order.user).await?;
    Ok(Payment { order: order.number, payer })
}

async fn ask_the_bank(user: Option<u64>) -> Result<Option<u64>, PayError> {
    tokio::task::yield_now().await;
    Ok(user)
}

#[hook(event = "payment.paid", owner = |payment| payment.payer)]
fn pay_plainly(hooks: Hooks, number: u64) -> Payment {
    drop(hooks);
    Payment { order: number, payer: Some(42) }
}

struct Till {
    hooks: Hooks,
}

impl Till {
    #[hook(event = "payment.refunded", owner = 42, hooks = self.hooks)]
    async fn refund(&self, number: u64) -> Result<Payment, Error> {
        Ok(Payment { order: number, payer: None })
    }
}

#[hook(event = "payment.burned", owner = 42)]
fn burn(hooks: &Hooks, has_run: &mut bool) -> Result<u8, Error> {
    *has_run = true;
    Ok(1)
}

async fn engine() -> Hooks {
    let hooks =
        Hooks::test().event("payment.paid", Raw).event("payment.refunded", Raw).start().await.unwrap();
    hooks.owner(42).subscribe("payment.*", HOOK).await.unwrap();
    hooks
}

#[tokio::test]
async fn what_a_function_returns_is_sent_and_returned() {
    let hooks = engine().await;
    let payment = pay(&hooks, Order { number: 1, user: Some(42) }, true).await.unwrap();
    assert_eq!(payment, Payment { order: 1, payer: Some(42) });
    hooks.assert_sent("payment.paid", &payment);

    let payment = pay_plainly(hooks.clone(), 2).await.unwrap();
    hooks.assert_sent("payment.paid", &payment);

    let payment = Till { hooks: hooks.clone() }.refund(3).await.unwrap();
    hooks.assert_sent("payment.refunded", &payment);
}

#[tokio::test]
async fn nothing_is_sent_if_a_function_returns_an_error() {
    let hooks = engine().await;
    let error = pay(&hooks, Order { number: 1, user: Some(42) }, false).await.unwrap_err();
    assert!(matches!(error, PayError::Declined), "{error:?}");
    hooks.assert_not_sent("payment.paid");
}

#[tokio::test]
async fn what_could_not_be_sent_is_told_before_the_function_runs() {
    let hooks = engine().await;
    let error = pay(&hooks, Order { number: 1, user: None }, false).await.unwrap_err();
    assert!(matches!(error, PayError::Hooks(Error::Owner(OwnerError::Missing))), "{error:?}");
    let mut has_run = false;
    let error = burn(&hooks, &mut has_run).await.unwrap_err();
    assert!(matches!(error, Error::UndeclaredEvent { .. }), "{error:?}");
    assert!(!has_run);
}

#[derive(Serialize, hookwright::Resource)]
#[resource(name = "shop.Box", owner = content.owner())]
struct Parcel<T: Owned> {
    content: T,
}

trait Owned: Serialize {
    fn owner(&self) -> String;
}

#[derive(Serialize)]
struct Ring;

impl Owned for Ring {
    fn owner(&self) -> String {
        "sauron".to_owned()
    }
}

#[derive(Serialize, hookwright::Resource)]
#[resource(name = "shop.Account", owner = owner_of(self), payload = |account| account.public())]
enum Account {
    Person { id: u32, password: String },
    Company(u32),
}

fn owner_of(account: &Account) -> u32 {
    match account {
        Account::Person { id, .. } | Account::Company(id) => *id,
    }
}

impl Account {
    fn public(&self) -> serde_json::Value {
        let password = matches!(self, Account::Person { password, .. } if !password.is_empty());
        json!({"id": owner_of(self), "has_password": password})
    }
}

/// Belongs to nobody.
#[derive(Serialize, hookwright::Resource)]
#[resource(name = "shop.Season")]
struct Season;

#[tokio::test]
async fn generic_types_and_enums_are_resources_too() {
    let hooks = Hooks::test()
        .event("parcel.sent", Parcel::<Ring>::action("sent"))
        .event("account.deleted", Account::DELETED)
        .event("season.begun", Season::CREATED)
        .start()
        .await
        .unwrap();
    hooks.owner("sauron").subscribe("parcel.sent", HOOK).await.unwrap();
    hooks.owner(7).subscribe("account.deleted", HOOK).await.unwrap();
    hooks.action("sent", &Parcel { content: Ring }).await.unwrap();
    hooks.assert_sent("parcel.sent", json!({"content": null}));
    hooks.deleted(&Account::Person { id: 7, password: "mellon".to_owned() }).await.unwrap();
    hooks.assert_sent("account.deleted", json!({"id": 7, "has_password": true}));
    assert_eq!(Account::Company(8).owner().unwrap().to_string(), "8");

    let error = hooks.created(&Season).await.unwrap_err();
    assert!(matches!(error, Error::Owner(OwnerError::Ownerless { resource: "shop.Season" })), "{error}");
}
