//! The example of a receiver on Django, fed by a source that forwards to it.

use std::path::Path;

use hookwright_signature::provider::{Inbound, Source};
use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::{Launch, eventually, free_port};
use serde_json::{Value, json};

use super::installed::{DJANGO, Ready, Sdk};
use super::running::succeeds;
use crate::inbound::PATH;
use crate::live::{Live, launch};

/// What the endpoint and the project share.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// What Stripe signs with.
const STRIPE: &str = "whsec_of_stripe";

/// A command of the project, with a database in a directory of its own.
fn manage(ready: &Ready) -> Launch {
    let launch = Launch::new(&ready.program).arg(Path::new(DJANGO).join("manage.py"));
    let database = launch.directory().join("django.sqlite3");
    launch
        .env("DJANGO_DATABASE", database)
        .env("HOOKWRIGHT_ENDPOINT_SECRET", SECRET)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
}

fn charge(id: &str, order: &str) -> String {
    let object = json!({"amount": 1_990, "metadata": {"order": order}});
    json!({"id": id, "type": "charge.succeeded", "data": {"object": object}}).to_string()
}

/// What the project's page says to post: the source, and the endpoint that it forwards to.
fn readme() -> [Value; 2] {
    let page = std::fs::read_to_string(Path::new(DJANGO).join("README.md")).unwrap();
    let posted = page.split("-d '").skip(1).map(|rest| rest.split('\'').next().unwrap());
    let posted: Vec<Value> = posted.map(|json| serde_json::from_str(json).unwrap()).collect();
    posted.try_into().unwrap()
}

/// What an order was paid, once it was paid anything.
async fn paid(django: &Client, order: &str) -> u64 {
    eventually("the order is paid", async || {
        let answer: Value = django.get(&format!("/orders/{order}/")).await.expect(200).json();
        answer["cents_paid"].as_u64().filter(|paid| *paid > 0).ok_or(answer)
    })
    .await
}

#[tokio::test]
async fn the_project_passes_its_own_tests() {
    let Some(ready) = Sdk::Django.ready().await else { return };
    succeeds(&manage(&ready).args(["test", "payments"])).await;
    let changes = ["makemigrations", "--check", "--dry-run"];
    succeeds(&manage(&ready).args(changes)).await;
}

#[tokio::test]
async fn what_a_source_forwards_is_kept_and_acted_on_once() {
    let Some(ready) = Sdk::Django.ready().await else { return };
    let manage = manage(&ready);
    succeeds(&manage.clone().arg("migrate")).await;
    let order =
        |number: &str| format!("from payments.models import Order; Order.objects.create(number='{number}')");
    succeeds(&manage.clone().args(["shell", "-c", &order("A-1")])).await;
    let address = format!("127.0.0.1:{}", free_port());
    let _serving = manage.clone().args(["runserver", "--noreload", &address]).start();
    let django = Client::anonymous(format!("http://{address}"));
    eventually("Django listens", async || {
        django
            .try_request(Method::GET, "/orders/A-1/", &[], "")
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    })
    .await;

    let server = Live::start(&launch("200ms,200ms,200ms,200ms,200ms,1s,1s,1s,5s,5s,5s")).await;
    let [mut source, mut endpoint] = readme();
    source["config"]["secret"] = json!(STRIPE);
    let made = server.client.post(PATH, &source).await.expect(201).json();
    let hook = endpoint["url"].as_str().unwrap().replace("127.0.0.1:8000", &address);
    (endpoint["url"], endpoint["secret"]) = (json!(hook), json!(SECRET));
    server.client.post(&format!("{PATH}/stripe/endpoint"), &endpoint).await.expect(201);
    let ingest = made["ingestUrl"].as_str().unwrap().strip_prefix(&server.url).unwrap().to_owned();
    let config = Source::stripe(STRIPE).config().unwrap();
    let provider = Client::anonymous(&server.url);
    let send = async |body: &str| {
        let request = Inbound { body: body.as_bytes(), ..Inbound::POST };
        let now = hookwright::Clock::system().now().as_seconds();
        let signed = config.sign(&request, now, "unused").unwrap();
        let mut headers: Vec<(&str, &str)> =
            signed.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        headers.push(("content-type", "application/json"));
        provider.request(Method::POST, &ingest, &headers, body.to_owned()).await.expect(200);
    };

    // Stripe sends it twice.
    send(&charge("evt_1", "A-1")).await;
    send(&charge("evt_1", "A-1")).await;
    assert_eq!(paid(&django, "A-1").await, 1_990);

    // Nobody has ordered A-2 yet: acting fails, the message stays, and it is tried again until somebody has.
    send(&charge("evt_2", "A-2")).await;
    let kept = "import sys; from payments.models import WebhookMessage as M; \
                sys.exit(0 if M.objects.filter(processed_at=None).count() == 1 else 1)";
    let looking = manage.clone().args(["shell", "-c", kept]);
    eventually("the message is kept", async || {
        let output = looking.run().await;
        if output.status.success() { Ok(()) } else { Err(output) }
    })
    .await;
    succeeds(&manage.clone().args(["shell", "-c", &order("A-2")])).await;
    assert_eq!(paid(&django, "A-2").await, 1_990);

    // Nothing else forwards to it, and a copy of what did changes nothing.
    let body = charge("evt_3", "A-1");
    django.request(Method::POST, "/webhooks/stripe/", &[], body.clone()).await.expect(403);
    let now = hookwright::Clock::system().now().as_seconds().unsigned_abs();
    let secret = hookwright_signature::Secret::parse(SECRET).unwrap();
    let signature = hookwright_signature::sign(&secret, "msg_3", now, body.as_bytes()).unwrap();
    let timestamp = now.to_string();
    let headers =
        [("webhook-id", "msg_3"), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
    for _ in 0..2 {
        django.request(Method::POST, "/webhooks/stripe/", &headers, body.clone()).await.expect(200);
    }
    assert_eq!(paid(&django, "A-1").await, 2 * 1_990);
}
