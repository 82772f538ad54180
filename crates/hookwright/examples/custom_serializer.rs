//! Each endpoint gets what it can read: one has asked for CSV, all others get JSON.
//!
//! `cargo run --example custom_serializer -- http://127.0.0.1:9000/json http://127.0.0.1:9000/csv`

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::time::Duration;

use hookwright::http::HeaderValue;
use hookwright::{ActivityEvent, BoxError, Hooks, Resource, WebhookBody};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Resource)]
#[resource(name = "bookstore.Book", owner = user_id)]
struct Book {
    user_id: i64,
    title: String,
    pages: u32,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(json), Some(csv)) = (arguments.next(), arguments.next()) else {
        return Err("name two URLs: one for JSON and one for CSV".into());
    };

    let mut builder = Hooks::open("sqlite://custom-serializer.db")?
        .event("book.added", Book::CREATED)
        .serialize_with(|message, endpoint| match endpoint.settings.metadata.get("format") {
            Some(format) if format == "csv" => {
                let book: Book = serde_json::from_slice(&message.payload)?;
                let csv = format!("title,pages\n{},{}\n", book.title, book.pages);
                Ok(WebhookBody { content_type: HeaderValue::from_static("text/csv"), bytes: csv.into() })
            }
            _ => Ok(WebhookBody::usual(message, endpoint)),
        });
    // So that you can try it with a receiver of your own: an engine calls no private addresses unless it is told to.
    builder.config_mut().allow_target_networks = vec!["127.0.0.0/8".parse()?];
    let hooks = builder.start().await?;

    hooks.owner(42).subscribe("book.added", json).await?;
    hooks.owner(42).subscribe("book.added", csv).metadata("format", "csv").await?;
    let mut activity = hooks.activity();
    hooks.created(&Book { user_id: 42, title: "The Two Towers".to_owned(), pages: 327 }).await?;

    let mut attempts = 0;
    while attempts < 2 {
        if let ActivityEvent::Attempted(attempt) = activity.recv().await?.event {
            println!("{}: {}", attempt.url, attempt.response_code);
            attempts += 1;
        }
    }
    hooks.shutdown(Duration::from_secs(10)).await?;
    Ok(())
}
