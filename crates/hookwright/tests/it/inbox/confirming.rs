//! A source whose requests the product itself asks about, before a handler is called with them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookwright::domain::inbound::Inbound;
use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::source::SourceRef;
use hookwright::hooks::SourceResent;
use hookwright::{BoxError, Error, Inbox, ReceivedRequest};

use super::starting::{on_file, until};
use super::{Handled, PAID, in_memory, send, stripe, verdicts};

/// What the product is asked, and what it says next; it cannot say when nothing is left.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<(Vec<ReceivedRequest>, Vec<bool>)>>);

impl Asked {
    fn says(answers: &[bool]) -> Asked {
        Asked(Arc::new(Mutex::new((Vec::new(), answers.iter().rev().copied().collect()))))
    }

    fn answers(&self, request: ReceivedRequest) -> Result<bool, BoxError> {
        let mut asked = self.0.lock().unwrap();
        asked.0.push(request);
        asked.1.pop().ok_or_else(|| "the bank is closed".into())
    }

    fn say(&self, answer: bool) {
        self.0.lock().unwrap().1.push(answer);
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().0.len()
    }

    fn confirmer(
        &self,
    ) -> impl Fn(ReceivedRequest) -> std::future::Ready<Result<bool, BoxError>> + Send + Sync + use<> {
        let asked = self.clone();
        move |request| std::future::ready(asked.answers(request))
    }
}

async fn row(inbox: &Inbox) -> Inbound {
    let log = inbox.log("payments", PageRequest::first(1, Order::Descending)).await.unwrap();
    log.items.into_iter().next().unwrap()
}

#[tokio::test]
async fn only_what_is_confirmed_is_handled() {
    let (paid, asked) = (Handled::default(), Asked::says(&[true, false]));
    let inbox = in_memory()
        .source("payments", stripe())
        .confirm(asked.confirmer())
        .on("*", paid.handler())
        .start()
        .await
        .unwrap();
    assert_eq!(send(&inbox, stripe(), PAID).await.status(), 200);
    assert_eq!(paid.count(), 1);
    let first = asked.0.lock().unwrap().0[0].clone();
    assert_eq!((first.body.as_ref(), first.event_type.as_str()), (PAID.as_bytes(), "charge.succeeded"));
    assert_eq!((first.message, first.method.as_str()), (paid.events()[0].id, "POST"));

    let lie = r#"{"id": "evt_2", "type": "charge.succeeded"}"#;
    assert_eq!(send(&inbox, stripe(), lie).await.status(), 200, "who sends learns nothing");
    assert_eq!((asked.count(), paid.count()), (2, 1));
    assert_eq!(verdicts(&inbox).await, ["confirmed", "refused"]);
    assert_eq!(row(&inbox).await.reason.as_deref(), Some("the product's own confirmation says no"));

    assert_eq!(send(&inbox, stripe(), PAID).await.status(), 200);
    assert_eq!((asked.count(), paid.count()), (2, 1), "nobody is asked about a copy");
}

#[tokio::test]
async fn who_cannot_say_is_asked_again_on_the_schedule_and_what_nobody_says_is_unconfirmed() {
    let (paid, asked) = (Handled::default(), Asked::default());
    let inbox = in_memory()
        .source("payments", stripe())
        .confirm(asked.confirmer())
        .on("*", paid.handler())
        .start()
        .await
        .unwrap();
    send(&inbox, stripe(), PAID).await;
    assert_eq!((asked.count(), verdicts(&inbox).await), (1, vec!["unconfirmed"]));
    asked.say(true);
    inbox.hooks().advance(Duration::from_secs(4)).await;
    assert_eq!(asked.count(), 1);
    inbox.hooks().advance(Duration::from_secs(1)).await;
    assert_eq!((asked.count(), paid.count()), (2, 1));
    assert_eq!(verdicts(&inbox).await, ["confirmed"]);

    send(&inbox, stripe(), r#"{"id": "evt_2", "type": "charge.succeeded"}"#).await;
    inbox.hooks().advance(Duration::from_secs(48 * 3600)).await;
    assert_eq!((asked.count(), paid.count()), (2 + 8, 1));
    assert_eq!(verdicts(&inbox).await, ["confirmed", "unconfirmed"]);
    let unsaid = row(&inbox).await;
    assert_eq!(unsaid.reason.as_deref(), Some("the bank is closed"));

    // No handler is called with it before somebody has said that it is true; whoever looks after it has that asked again.
    let early = inbox.run_again("payments", "*", unsaid.message.unwrap()).await.unwrap_err();
    assert!(matches!(early, Error::NotConfirmed), "{early}");
    asked.say(true);
    let (hooks, source) = (inbox.hooks(), SourceRef::parse("payments").unwrap());
    let again = hooks.source_resend(hooks.default_organisation(), &source, unsaid.id, None).await.unwrap();
    assert_eq!(again, SourceResent::AskingAgain);
    assert_eq!((paid.count(), verdicts(&inbox).await), (2, vec!["confirmed", "confirmed"]));
}

#[tokio::test]
async fn a_confirmation_that_panics_says_nothing() {
    let paid = Handled::default();
    let inbox = in_memory()
        .source("payments", stripe())
        .confirm(|request| async move {
            let body: serde_json::Value = serde_json::from_slice(&request.body)?;
            // There is no such field.
            Ok::<bool, BoxError>(body["paid"].as_bool().expect("a word of the bank"))
        })
        .on("*", paid.handler())
        .start()
        .await
        .unwrap();
    send(&inbox, stripe(), PAID).await;
    inbox.hooks().advance(Duration::from_secs(48 * 3600)).await;
    assert_eq!((paid.count(), verdicts(&inbox).await), (0, vec!["unconfirmed"]));
    assert_eq!(row(&inbox).await.reason.as_deref(), Some("the product's own confirmation panicked"));
}

#[tokio::test]
async fn what_waits_for_its_confirmation_waits_for_the_next_start_too() {
    let directory = tempfile::tempdir().unwrap();
    let (paid, asked) = (Handled::default(), Asked::default());
    let start = || {
        // Were anybody else asked in the meantime, it would be for the last time.
        let inbox = on_file(&directory, 1).source("payments", stripe()).confirm(asked.confirmer());
        inbox.on("*", paid.handler()).start()
    };
    let inbox = start().await.unwrap();
    assert_eq!(send(&inbox, stripe(), PAID).await.status(), 200);
    until(|| asked.count() == 1).await;
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!(paid.count(), 0);

    asked.say(true);
    let inbox = start().await.unwrap();
    until(|| paid.count() == 1).await;
    assert_eq!(asked.count(), 2, "it is the product that is asked, from the first moment on");
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();
    let inbox = start().await.unwrap();
    assert_eq!(verdicts(&inbox).await, ["confirmed"]);
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!((asked.count(), paid.count()), (2, 1));
}
