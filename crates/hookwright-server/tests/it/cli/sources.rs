//! `source`: where webhooks of providers come in, made and looked after from the command line.

use hookwright_testkit::http::{Client, Method};
use serde_json::json;

use super::served::{Lines, Served};
use super::{succeeds, with_file};

/// What these sources' providers sign with.
const PROOF: &str = "It's a Secret to Everybody";

/// Calls a source's URL without any proof.
async fn call(server: &Served, url: &str, status: u16) {
    let path = url.trim().strip_prefix(&server.url).expect("the server's own URL");
    Client::anonymous(&server.url).request(Method::POST, path, &[], "{}").await.expect(status);
}

#[tokio::test]
async fn a_source_is_made_shown_changed_and_deleted() {
    let server = Served::start().await;
    let create = server.command(
        "source create github --uid code --secret-file s --method POST --method PUT --body json --dedupe none \
         --throttle-rate 9 --retention 12h --metadata team=books",
    );
    let made = succeeds(&with_file(create, "s", &format!("{PROOF}\n"))).await;
    assert!(!made.contains(PROOF), "{made}");
    let made = Lines::of(&made);
    for (heading, expected) in [
        ("UID", "code"),
        ("NAME", "code"),
        ("KIND", "github"),
        ("METHODS", "POST,PUT"),
        ("BODY", "json"),
        ("DEDUPE", "none"),
        ("THROTTLE RATE", "9"),
        ("RETENTION", "12h"),
        ("METADATA", "{\"team\":\"books\"}"),
    ] {
        assert_eq!(made.cell(heading), expected, "{heading}");
    }
    let shown = server.json("source get code").await;
    assert_eq!((&shown["id"], &shown["ingestUrl"]), (&json!(made.cell("ID")), &json!(made.cell("URL"))));

    let update = server
        .command("source update code --name GitHub --throttle-rate 0 --dedupe id --uid git")
        .args(["--retention", ""]);
    let changed = Lines::of(&succeeds(&update).await);
    assert_eq!((changed.cell("NAME"), changed.cell("UID")), ("GitHub".to_owned(), "git".to_owned()));
    assert_eq!((changed.cell("THROTTLE RATE"), changed.cell("RETENTION")), (String::new(), String::new()));
    assert_eq!((changed.cell("DEDUPE"), changed.cell("BODY")), ("id".to_owned(), "json".to_owned()));
    assert_eq!(changed.cell("URL"), made.cell("URL"));

    server.text("source create generic-webhook --name Any").await;
    let listed = server.lines("source list").await;
    assert_eq!(listed.column("NAME"), ["GitHub", "Any"]);
    assert_eq!(listed.column("KIND"), ["github", "generic-webhook"]);

    assert_eq!(server.text("source delete git -y").await, "Deleted the source git.\n");
    call(&server, &made.cell("URL"), 404).await;
    let said = server.fails("source get git").await;
    assert!(said.starts_with("There is no source git: 404 Not Found."), "{said}");
    assert!(said.ends_with("`hookwright source list` shows those that are there."), "{said}");
    for (arguments, expected) in [
        ("source create strike", "The server refused with 422 Unprocessable Entity: "),
        ("source create github --uid code", "The server refused with 422 Unprocessable Entity: "),
        ("source update git", "Nothing to change was named."),
        ("source delete git", "Nothing was done: this would delete the source git"),
        ("source rotate git --grace soon", "--grace is \"soon\""),
    ] {
        let said = server.fails(arguments).await;
        assert!(said.starts_with(expected), "{arguments}: {said}");
    }
}

#[tokio::test]
async fn what_proves_a_request_is_given_in_files_and_changed_as_a_whole() {
    let server = Served::start().await;
    let create = server.command("source create token --uid door --secret-file s --field header=x-door");
    let made = Lines::of(&succeeds(&with_file(create, "s", "open sesame\n")).await);
    assert_eq!(made.cell("KIND"), "token", "and not what clients of Svix are told");
    let path = made.cell("URL").strip_prefix(&server.url).unwrap().to_owned();
    let anonymous = Client::anonymous(&server.url);
    let knock = async |word: &str, status| {
        anonymous.request(Method::POST, &path, &[("x-door", word)], "{}").await.expect(status);
    };
    knock("open sesame", 200).await;
    knock("open", 403).await;
    let update = server.command("source update door --field header=x-door --field token=@s");
    succeeds(&with_file(update, "s", "open barley\n")).await;
    knock("open sesame", 403).await;
    knock("open barley", 200).await;
    let update = server.command("source update door --secret-file s --field header=x-door");
    succeeds(&with_file(update, "s", "open rye")).await;
    knock("open rye", 200).await;

    let log = server.lines("source log door").await;
    assert_eq!(log.column("VERDICT"), ["verified", "verified", "refused", "refused", "verified"]);
    assert_eq!(log.column("ANSWERED"), ["200", "200", "403", "403", "200"]);
    assert!(log.column("REASON")[2].contains("Incorrect token in x-door header."), "{log:?}");
    assert_eq!(server.lines("source log door --limit 2").await.column("ID"), log.column("ID")[..2]);
    assert_eq!(server.json("source log door --limit 1").await[0]["payload"], "{}");
}

#[tokio::test]
async fn another_url_takes_the_place_of_the_old_one_after_a_while_or_at_once() {
    let server = Served::start().await;
    let first = server.json("source create generic-webhook --uid any").await;
    let first = first["ingestUrl"].as_str().unwrap();
    let second = server.text("source rotate any").await;
    assert_ne!(first, second.trim());
    call(&server, first, 200).await;
    call(&server, &second, 200).await;
    let third = server.json("source rotate any --grace 0s").await;
    call(&server, &second, 404).await;
    call(&server, third["ingestUrl"].as_str().unwrap(), 200).await;
    assert_eq!(server.json("source get any").await["ingestUrl"], third["ingestUrl"]);
}
