//! `hookwright bench`: that it counts right. How fast a test's machine is says nothing.

use hookwright_testkit::{Launch, postgres};
use serde_json::Value;

#[tokio::test]
async fn a_small_benchmark_accounts_for_every_message() {
    let arguments = "--messages 60 --senders 4 --fan-out 2 --rate 100 --failing 1 --backlog 30";
    let report = measured(arguments).await;

    assert_eq!(counts(&report["floor"]), [60, 60, 0, 0]);
    assert_eq!(counts(&report["full"]), [60, 120, 0, 0]);
    assert_eq!(counts(&report["rate"]), [60, 120, 0, 0]);
    for part in ["full", "rate"] {
        for figure in ["messages_per_second", "server_cpu_us_per_message", "ratio_to_floor"] {
            assert!(report[part][figure].as_f64().unwrap() > 0.0, "{figure}: {report:#}");
        }
        let times = &report[part]["arrival_ms"];
        let [p50, p99, max] = ["p50", "p99", "max"].map(|name| times[name].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{times}");
    }
    assert_eq!(report["memory"]["backlog_deliveries"], 30);
    assert!(report["memory"]["final_rss"].as_u64().unwrap() > 1_000_000, "{report:#}");
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
    assert!(report.get("idle").is_none(), "nobody asked for it");
}

#[tokio::test]
async fn a_part_alone_without_keys_and_with_failing_answers() {
    let report = measured("--only full --messages 40 --no-key --failing 2 --failing-with 500").await;

    assert_eq!(counts(&report["full"]), [40, 40, 0, 0]);
    assert_eq!(report["settings"]["idempotency_keys"], false);
    assert!(report.get("floor").is_none() && report.get("rate").is_none(), "{report:#}");
    assert!(report["full"].get("ratio_to_floor").is_none(), "there is nothing to compare with");
}

#[tokio::test]
async fn requests_to_a_source_are_each_stored_and_go_nowhere() {
    let report = measured("--inbound --messages 60 --senders 4 --rate 100").await;

    assert_eq!(report["settings"]["inbound"], true);
    assert_eq!(counts(&report["floor"]), [60, 60, 0, 0]);
    for part in ["full", "rate"] {
        let figures = &report[part];
        assert_eq!(counts(figures), [60, 0, 0, 0]);
        assert_eq!(figures["stored"], 60, "{figures:#}");
        for figure in ["messages_per_second", "server_cpu_us_per_message", "ratio_to_floor"] {
            assert!(figures[figure].as_f64().unwrap() > 0.0, "{figure}: {figures:#}");
        }
        let times = &figures["accepted_ms"];
        let [p50, p99, max] = ["p50", "p99", "max"].map(|name| times[name].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{times}");
        assert!(figures.get("arrival_ms").is_none(), "it has no endpoints: {figures:#}");
    }

    let output = bench("--inbound --only full --messages 40").run().await;
    assert!(output.status.success(), "{output:?}");
    for row in ["requests/s ", "server, CPU µs a request ", "send to 200, p99 ms ", "stored "] {
        assert!(output.stdout.lines().any(|line| line.starts_with(row)), "{row}: {}", output.stdout);
    }
    let output = bench("--inbound --fan-out 2").run().await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test]
async fn lists_are_asked_for_over_what_was_filled_in_beside_many_applications() {
    let report =
        measured("--only full --messages 30 --lists 600 --applications 300 --to 3 --senders 2").await;

    assert_eq!(counts(&report["full"]), [30, 30, 0, 0]);
    let lists = report["lists"].as_array().unwrap();
    let items = |what: &str| {
        let list =
            lists.iter().find(|list| list["what"] == what).unwrap_or_else(|| panic!("{what}: {lists:#?}"));
        list["items"].as_u64().unwrap()
    };
    for (what, expected) in [
        ("messages, newest", 250),
        ("messages of an event type", 60),
        ("messages with a tag", 6),
        ("messages by eventId", 1),
        ("messages by text, nowhere", 0),
        ("attempts of an endpoint, failed", 60),
        ("messages of an endpoint", 250),
        ("applications", 250),
        ("access tokens", 0),
    ] {
        assert_eq!(items(what), expected, "{what}");
    }
    assert!(lists.iter().all(|list| list["slowest_ms"].as_f64() >= list["median_ms"].as_f64()), "{lists:#?}");
    assert!(report["started_in_ms"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn on_postgresql_its_cpu_time_is_counted_in_and_nothing_is_left_behind() {
    let Some(database) = postgres::database().await else { return };
    // Whatever else is in the database stays as it is.
    database.execute("CREATE TABLE book (title text)").await;
    let arguments =
        "--messages 60 --senders 4 --rate 100 --snapshot --idle --pending 250 --backlog 30 --database-url";
    let report = measured(&format!("{arguments} {}", database.url)).await;

    for part in ["floor", "full", "rate", "snapshot"] {
        assert_eq!(counts(&report[part]), [60, 60, 0, 0], "{part}");
    }
    assert_eq!(report["settings"]["database"], "postgres");
    assert_eq!(report["settings"]["postgres_cpu_counted"], true);
    assert!(report["snapshot_share"].as_f64().unwrap() > 0.0);
    let storage = &report["storage"];
    assert_eq!(storage["messages"], 120, "with those that warm up");
    let (stored, logged) = (&storage["stored_bytes_per_message"], &storage["logged_bytes_per_message"]);
    assert!(stored.as_f64().unwrap() > 250.0 && logged.as_f64().unwrap() > 250.0, "{storage:#}");
    for part in ["full", "rate", "snapshot"] {
        let of = |name: &str| report[part][name].as_f64().unwrap();
        let (both, postgres) = (of("server_cpu_us_per_message"), of("postgres_cpu_us_per_message"));
        assert!(0.0 < postgres && postgres < both, "{part}: {report:#}");
    }
    let idle = &report["idle"];
    assert!(idle["cpu_us_per_second"].as_f64() >= idle["postgres_cpu_us_per_second"].as_f64(), "{idle:#}");
    assert_eq!(report["memory"]["backlog_deliveries"], 30);
    assert_eq!(database.ask("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'hookwright%'").await, "0");
    assert_eq!(database.ask("SELECT count(*) FROM book").await, "0");
}

#[tokio::test]
async fn nodes_on_one_database_share_the_work_and_each_is_accounted_for() {
    let Some(database) = postgres::database().await else { return };
    let nodes = bench("--only full --messages 90 --senders 3 --fan-out 2 --nodes 2 --pin")
        .env("HOOKWRIGHT_BENCH_DATABASE_URL", &database.url);
    let output = nodes.arg("--json").run().await;
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_str(&output.stdout).expect("the report is JSON");

    assert_eq!(counts(&report["full"]), [90, 180, 0, 0]);
    assert_eq!(report["settings"]["nodes"], 2);
    let load = &report["full"]["load"];
    let nodes = load["nodes"].as_array().unwrap();
    let of = |name: &str| nodes.iter().map(|node| node[name].clone()).collect::<Vec<Value>>();
    let (accepted, delivered) = (of("accepted"), of("delivered"));
    let sum = |counts: &[Value]| counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>();
    assert_eq!((accepted.len(), sum(&accepted), sum(&delivered)), (2, 90, 180), "{load:#}");
    for (accepted, delivered) in accepted.iter().zip(&delivered) {
        let accepted = accepted.as_u64().unwrap();
        assert!(accepted > 0, "each has senders: {load:#}");
        assert_eq!(delivered.as_u64().unwrap(), 2 * accepted, "who accepts delivers: {load:#}");
    }
    for figure in ["accepted_per_second", "delivered_per_second", "nodes_cpu_us_per_message", "bench_cores"] {
        assert!(load[figure].as_f64().unwrap() > 0.0, "{figure}: {load:#}");
    }
    assert!(load["postgres_cores"].as_f64().unwrap() > 0.0, "{load:#}");
    let cores = of("core");
    match report["settings"]["not_pinned_because"].as_str() {
        None => {
            assert_eq!(report["settings"]["pinned"], true);
            assert!(cores.iter().all(Value::is_u64), "{load:#}");
            // A process on one core cannot use more than that; its share is rounded, and clocks are read one after the other.
            let used = of("cores");
            assert!(used.iter().all(|cores| cores.as_f64().unwrap() <= 1.2), "{load:#}");
        }
        Some(reason) => assert!(!reason.is_empty() && cores.iter().all(Value::is_null), "{report:#}"),
    }
    assert_eq!(database.ask("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'hookwright%'").await, "0");

    let output = bench("--only full --messages 40 --nodes 2 --database-url").arg(&database.url).run().await;
    assert!(output.status.success(), "{output:?}");
    for row in
        ["full speed ", "node 1 ", "node 2 ", "all nodes ", "PostgreSQL ", "client and receiver ", "core 0,"]
    {
        assert!(output.stdout.lines().any(|line| line.starts_with(row)), "{row}: {}", output.stdout);
    }
    assert!(output.stdout.contains(" 2 nodes"), "{}", output.stdout);
    assert!(output.stdout.contains("used up"), "where the limit lies: {}", output.stdout);
}

#[tokio::test]
async fn one_node_may_have_any_database_and_more_only_postgresql() {
    let report = measured("--only full --messages 40 --nodes 1").await;
    assert_eq!(report["full"]["load"]["nodes"][0]["accepted"], 40, "{report:#}");
    let output = bench("--nodes 2 --messages 40").run().await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.contains("--nodes above 1 needs a PostgreSQL database"), "{}", output.stderr);
    let output = bench("--nodes 9").run().await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test]
async fn a_password_in_the_variable_is_in_no_help_and_no_error() {
    let of = |url: &str| bench("--messages 40").env("HOOKWRIGHT_BENCH_DATABASE_URL", url);
    let help = of("postgres://me:pass_word@db/bench").arg("--help").run().await;
    assert!(help.stdout.contains("HOOKWRIGHT_BENCH_DATABASE_URL"), "{}", help.stdout);
    let away = of("postgres://me:pass_word@127.0.0.1:1/bench").run().await;
    assert_eq!(away.status.code(), Some(1), "{away:?}");
    let none = of("mysql://me:pass_word@127.0.0.1:1/bench").run().await;
    assert!(none.stderr.contains("is no URL of a database"), "{}", none.stderr);
    for said in [help.stdout, away.stdout, away.stderr, none.stderr] {
        assert!(!said.contains("pass_word"), "{said}");
    }
}

#[tokio::test]
async fn a_snapshot_is_held_on_postgresql_alone() {
    let output = bench("--snapshot --messages 40").run().await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.contains("needs a PostgreSQL database"), "{}", output.stderr);
}

#[tokio::test]
async fn people_get_a_table_and_a_plain_error_for_what_is_too_much() {
    let output = bench("--only floor --messages 40").run().await;
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.lines().any(|line| line.starts_with("messages/s ")), "{}", output.stdout);

    let output = bench("--messages 10000000 --fan-out 1000").run().await;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.contains("Give fewer --messages"), "{}", output.stderr);
}

async fn measured(arguments: &str) -> Value {
    let output = bench(arguments).arg("--json").run().await;
    assert!(output.status.success(), "{output:?}");
    serde_json::from_str(&output.stdout).expect("the report is JSON")
}

fn bench(arguments: &str) -> Launch {
    let launch = Launch::new(env!("CARGO_BIN_EXE_hookwright")).arg("bench").args(arguments.split(' '));
    let directory = launch.directory().to_owned();
    launch.env("TMPDIR", directory)
}

/// Accepted, arrived, lost and unrecorded. Duplicates are allowed to a sender that delivers at least once.
fn counts(part: &Value) -> [u64; 4] {
    ["accepted", "arrived", "lost", "unrecorded"].map(|name| part[name].as_u64().expect("a count"))
}
