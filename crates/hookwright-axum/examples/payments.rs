//! A shop that is paid by Stripe: what Stripe sends is proven and on disk before it is answered, and then handled until it is done, also
//! if the shop is killed in between.
//!
//! `cargo run --example payments -- 127.0.0.1:8000 whsec_…`, and then have Stripe send to `/webhooks/stripe`.
//!
//! While there is a file `bank-is-closed` in the working directory, no payment can be noted, and all are tried again later.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hookwright::{BoxError, InboundEvent, Inbox, Source};
use hookwright_axum::inbox_route;
use serde::Deserialize;
use tokio::net::TcpListener;

/// The part of a charge that the shop looks at.
#[derive(Deserialize)]
struct Charge {
    order: String,
}

/// What was paid. A real shop has a database, and notes an event in the transaction that it acts in.
struct Ledger {
    file: File,
    /// The ids of the events that were noted.
    noted: HashSet<String>,
}

impl Ledger {
    fn open(path: &str) -> Result<Ledger, BoxError> {
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // A line that the shop was killed in was not noted: it is taken away, and comes again.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(u64::try_from(whole)?)?;
        let lines = text.get(..whole).unwrap_or_default().lines();
        let noted = lines.filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect();
        Ok(Ledger { file, noted })
    }

    /// Notes an order as paid, once for each event.
    fn note(&mut self, event: &InboundEvent, order: &str) -> Result<(), BoxError> {
        if Path::new("bank-is-closed").exists() {
            return Err("the bank is closed".into());
        }
        let id = event.id.to_string();
        if self.noted.contains(&id) {
            return Ok(());
        }
        // In one piece, as far as the file system goes along.
        self.file.write_all(format!("{id} {order}\n").as_bytes())?;
        self.file.sync_data()?;
        self.noted.insert(id);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(secret)) = (arguments.next(), arguments.next()) else {
        return Err("give an address, and the secret that Stripe signs with".into());
    };
    let ledger = Arc::new(Mutex::new(Ledger::open("paid.txt")?));
    let paid = move |event: InboundEvent| {
        let ledger = Arc::clone(&ledger);
        async move {
            let charge: Charge = event.json()?;
            ledger.lock().unwrap_or_else(PoisonError::into_inner).note(&event, &charge.order)?;
            println!("paid: {}", charge.order);
            Ok::<(), BoxError>(())
        }
    };
    let inbox = Inbox::open("sqlite://payments.db")?
        .source("stripe", Source::stripe(secret))
        .on("charge.succeeded", paid)
        .start()
        .await?;

    let router = Router::new().route("/webhooks/stripe", inbox_route(inbox.clone(), "stripe"));
    let listener = TcpListener::bind(address).await?;
    println!("listening: http://{}", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, router).with_graceful_shutdown(stop).await?;
    inbox.shutdown(Duration::from_secs(10)).await?;
    Ok(())
}
