//! Reads a server over the Svix API, and makes the same things at another over the same API.

use serde_json::{Map, Value, json};

use crate::cli::client::{Client, Document, Pages, Path};
use crate::cli::escape;
use crate::cli::failure::{Failure, eprint_line};
use crate::cli::output::Output;

/// What is taken over of each kind of thing; everything else is made by the server.
const OF_EVENT_TYPE: [&str; 7] =
    ["description", "archived", "deprecated", "schemas", "validatePayload", "groupName", "featureFlags"];
const OF_APPLICATION: [&str; 3] = ["name", "throttleRate", "metadata"];
const OF_ENDPOINT: [&str; 7] =
    ["url", "description", "throttleRate", "eventTypes", "channels", "disabled", "metadata"];

/// An import that is under way.
pub(super) struct Import<'a> {
    pub(super) from: &'a Client,
    /// Nowhere, at a dry run.
    pub(super) to: Option<&'a Client>,
    pub(super) output: Output,
}

/// How many things were brought over, and what could not be.
#[derive(Default)]
struct Tally {
    event_types: u64,
    applications: u64,
    endpoints: u64,
    /// Hidden headers, which somebody must set.
    by_hand: u64,
    problems: u64,
}

impl Import<'_> {
    /// Brings everything over, in the order in which things need each other.
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let mut tally = Tally::default();
        let all = Path::event_types().ask("include_archived", "true").ask("with_content", "true");
        let mut pages = Pages::new(self.from, all, None);
        while let Some(event_types) = pages.next().await? {
            for event_type in event_types {
                let name = event_type.member("name");
                let made = self.put(Path::event_type(&name), pick(&event_type, &OF_EVENT_TYPE)).await;
                tally.event_types += tally.note(&format!("The event type {name}"), made);
            }
        }
        let mut pages = Pages::new(self.from, Path::applications(), None);
        while let Some(applications) = pages.next().await? {
            for application in applications {
                self.application(&application, &mut tally).await?;
            }
        }
        self.tell(&tally)
    }

    async fn application(&self, application: &Document, tally: &mut Tally) -> Result<(), Failure> {
        let (id, name) = (application.member("id"), uid(application));
        let made = self.put(Path::application(&name), pick(application, &OF_APPLICATION)).await;
        if tally.note(&format!("The application {name}"), made) == 0 {
            return Ok(());
        }
        tally.applications += 1;
        let mut pages = Pages::new(self.from, Path::endpoints(&id), None);
        while let Some(endpoints) = pages.next().await? {
            for endpoint in endpoints {
                let what = format!("The endpoint {} of {name}", uid(&endpoint));
                let made = self.endpoint(&id, &name, &endpoint, tally).await;
                tally.endpoints += tally.note(&what, made);
            }
        }
        Ok(())
    }

    async fn endpoint(
        &self,
        from: &str,
        to: &str,
        endpoint: &Document,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let (id, name) = (endpoint.member("id"), uid(endpoint));
        let mut document = pick(endpoint, &OF_ENDPOINT);
        // Made with its secret, so that receivers go on verifying with what they have.
        let secret = self.from.get(&Path::endpoint(from, &id).then("secret")).await?;
        document.insert("secret".to_owned(), Value::from(secret.member("key")));
        let headers = self.from.get(&Path::endpoint(from, &id).then("headers")).await?;
        let hidden = headers.find("sensitive").map_or(Value::Null, |hidden| value(&hidden));
        for header in hidden.as_array().into_iter().flatten().filter_map(Value::as_str) {
            tally.by_hand += 1;
            say(&format!(
                "The header {header} of the endpoint {name} of {to} is hidden from everybody: set it by hand."
            ));
        }
        self.put(Path::endpoint(to, &name), document).await?;
        let headers = headers.find("headers").map_or(Value::Null, |headers| value(&headers));
        match headers.as_object() {
            Some(headers) if !headers.is_empty() => {
                let body = Map::from_iter([("headers".to_owned(), json!(headers))]);
                self.patch(Path::endpoint(to, &name).then("headers"), body).await
            }
            _ => Ok(()),
        }
    }

    async fn put(&self, path: Path, document: Map<String, Value>) -> Result<(), Failure> {
        match self.to {
            Some(to) => to.put(&path, &document).await.map(drop),
            None => Ok(()),
        }
    }

    async fn patch(&self, path: Path, document: Map<String, Value>) -> Result<(), Failure> {
        match self.to {
            Some(to) => to.patch(&path, &document).await.map(drop),
            None => Ok(()),
        }
    }

    fn tell(&self, tally: &Tally) -> Result<(), Failure> {
        let Tally { event_types, applications, endpoints, by_hand, problems } = tally;
        let would = if self.to.is_none() { "Would bring over" } else { "Brought over" };
        self.output.done(
            &format!(
                "{would} {event_types} event types, {applications} applications, {endpoints} endpoints."
            ),
            &json!({
                "eventTypes": event_types, "applications": applications, "endpoints": endpoints,
                "headersToSetByHand": by_hand, "problems": problems, "dryRun": self.to.is_none(),
            }),
        )?;
        match problems {
            0 => Ok(()),
            1 => Err(Failure::new("One thing was not brought over; see above.")),
            _ => Err(Failure::new(format!("{problems} things were not brought over; see above."))),
        }
    }
}

impl Tally {
    /// 1 if it was made; else 0, and a word about why.
    fn note(&mut self, what: &str, made: Result<(), Failure>) -> u64 {
        match made {
            Ok(()) => 1,
            Err(failure) => {
                self.problems += 1;
                say(&format!("{what} was not brought over: {}", failure.text()));
                0
            }
        }
    }
}

fn say(sentence: &str) {
    eprint_line(&escape::for_terminal(sentence));
}

/// What the thing is called at the new server: its uid, or its old id, which so goes on naming it.
fn uid(thing: &Document) -> String {
    let uid = thing.member("uid");
    if uid.is_empty() { thing.member("id") } else { uid }
}

/// These members, without those that are null.
fn pick(thing: &Document, names: &[&str]) -> Map<String, Value> {
    let given = |name: &&str| Some(((*name).to_owned(), value(&thing.find(name)?)));
    names.iter().filter_map(given).filter(|(_, value)| !value.is_null()).collect()
}

fn value(document: &Document) -> Value {
    serde_json::from_str(document.text()).unwrap_or_default()
}
