//! One-time links that open the page without typing a token, for those who can read the server's terminal.

use hookwright::domain::ticket::TicketKind;
use hookwright::{Error, Hooks};

/// The path of a new link, `/login/…`, which opens the page of the default organisation once, on whichever node of the database, within
/// a quarter of an hour ([`TicketKind::Link`]).
///
/// # Errors
///
/// If the database cannot be written, or the operating system gives no random bytes.
pub async fn login_link(hooks: &Hooks) -> Result<String, Error> {
    let secret = hooks.ticket_issue(TicketKind::Link, hooks.default_organisation()).await?;
    Ok(format!("/login/{}", secret.as_str()))
}
