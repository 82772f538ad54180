//! The inbox of a product: what others send, and the product's own code for it.

mod receiving; // reading order: what comes in, what is asked about it, what is done with it, the next start
mod confirming;
mod handling;
mod starting;

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use hookwright::domain::page::{Order, PageRequest};
use hookwright::http::Response;
use hookwright::{Bytes, DeadLetter, Hooks, InboundEvent, Inbox, InboxBuilder, Source};

const SECRET: &str = "It's a Secret to Everybody";
const PAID: &str = r#"{"id": "evt_1",  "type": "charge.succeeded", "data": {"kind": "payment.paid"}}"#;

/// What a handler was called with, and what it answers next.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<(Vec<InboundEvent>, Vec<&'static str>)>>);

type Handling = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

impl Handled {
    /// Notes the event; fails with the next of the reasons, if one is left.
    async fn handle(self, event: InboundEvent) -> Result<(), String> {
        let mut handled = self.0.lock().unwrap();
        handled.0.push(event);
        handled.1.pop().map_or(Ok(()), |reason| Err(reason.to_owned()))
    }

    fn fails_with(&self, reasons: &[&'static str]) {
        self.0.lock().unwrap().1 = reasons.iter().rev().copied().collect();
    }

    fn events(&self) -> Vec<InboundEvent> {
        self.0.lock().unwrap().0.clone()
    }

    fn count(&self) -> usize {
        self.events().len()
    }

    fn handler(&self) -> impl Fn(InboundEvent) -> Handling + use<> {
        let handled = self.clone();
        move |event| Box::pin(handled.clone().handle(event))
    }
}

fn stripe() -> Source {
    Source::stripe(SECRET)
}

/// An inbox in memory, whose time stands still.
fn in_memory() -> InboxBuilder {
    Inbox::within(Hooks::test())
}

async fn send(inbox: &Inbox, source: Source, body: &'static str) -> Response<Bytes> {
    let request = inbox.hooks().signed_request(source, body);
    inbox.receive("payments", request).await
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

async fn dead(inbox: &Inbox, handler: &str) -> Vec<DeadLetter> {
    let page = PageRequest::first(10, Order::Ascending);
    inbox.dead_letters("payments", handler, page).await.unwrap().page.items
}

/// What the log of the source has, oldest first.
async fn verdicts(inbox: &Inbox) -> Vec<&'static str> {
    let log = inbox.log("payments", PageRequest::first(50, Order::Ascending)).await.unwrap();
    log.items.iter().map(|row| row.verdict.word()).collect()
}
