//! Resources: the product's own types, whose changes are events.

use serde::Serialize;

use crate::domain::owner::{OwnerError, OwnerId};

/// A type of the product whose changes can be events. `#[derive(Resource)]` implements it.
///
/// ```
/// use hookwright::Resource;
///
/// #[derive(serde::Serialize, hookwright::Resource)]
/// #[resource(name = "bookstore.Book", owner = user_id)]
/// struct Book {
///     user_id: i64,
///     title: String,
/// }
///
/// assert_eq!(Book::NAME, "bookstore.Book");
/// let book = Book { user_id: 42, title: "The Hobbit".to_owned() };
/// assert_eq!(book.owner()?.uid().as_str(), "42");
/// # Ok::<(), hookwright::OwnerError>(())
/// ```
///
/// The payload of its events is the resource in JSON, or whatever `payload` gives in its place:
///
/// ```
/// #[derive(serde::Serialize, hookwright::Resource)]
/// #[resource(name = "bookstore.Book", owner = account.user_id, payload = Book::for_hooks)]
/// struct Book {
///     account: Account,
///     title: String,
/// }
///
/// #[derive(serde::Serialize)]
/// struct Account {
///     user_id: i64,
///     password: String,
/// }
///
/// impl Book {
///     fn for_hooks(&self) -> serde_json::Value {
///         serde_json::json!({"title": self.title})
///     }
/// }
/// # use hookwright::Resource;
/// # let account = Account { user_id: 42, password: "speak friend".to_owned() };
/// # let book = Book { account, title: "The Hobbit".to_owned() };
/// # assert_eq!(book.payload()?, br#"{"title":"The Hobbit"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    note = "write #[derive(serde::Serialize, hookwright::Resource)] and #[resource(name = \"…\", owner = …)] above it"
)]
pub trait Resource: Serialize {
    /// What the declared events call it, such as `bookstore.Book`.
    const NAME: &'static str;

    /// Whose it is. A resource without an owner can only be used with events for all applications.
    fn owner(&self) -> Result<OwnerId, OwnerError> {
        Err(OwnerError::Ownerless { resource: Self::NAME })
    }

    /// The payload of its events: the resource in JSON, unless another is written here.
    fn payload(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}
