//! The figures of a benchmark, as people read them.

use super::super::rig::grouped;
use super::load::LoadFigures;
use super::report::{ExpiringFigures, Figures, Report};

const NAME_WIDTH: usize = 38;
const VALUE_WIDTH: usize = 12;

/// The whole report as text.
pub(super) fn render(report: &Report) -> String {
    let mut lines = vec![about_machine(report), about_settings(report)];
    if report.settings.postgres_cpu_counted == Some(false) {
        lines.push(
            "PostgreSQL is not on this machine, or is in a container: its CPU time is in none of the figures.".to_owned(),
        );
    }
    if report.settings.postgres_cpu_counted.is_none() && report.machine.forgets() {
        lines.push(
            "The database lies in memory, so nothing was made durable: set TMPDIR to a disk.".to_owned(),
        );
    }
    if let Some(reason) = &report.settings.not_pinned_because {
        lines.push(format!("Nodes could not be kept on a core each, and run on all of them: {reason}."));
    }
    let parts: Vec<(&str, &Figures)> = report.parts().collect();
    if !parts.is_empty() {
        lines.push(String::new());
        lines.push(row("", parts.iter().map(|(name, _)| title(name, report))));
        for (name, value) in ROWS {
            let name = worded(name, report);
            let values: Vec<Option<String>> = parts.iter().map(|(_, figures)| value(figures)).collect();
            if values.iter().any(Option::is_some) {
                lines.push(row(
                    &name,
                    values.into_iter().map(|value| value.unwrap_or_else(|| "-".to_owned())),
                ));
            }
        }
    }
    lines.extend(report.snapshot_share.map(|share| {
        format!("\nWith a snapshot held: {:.0} % of the messages/s of full speed.", share * 100.0)
    }));
    for (name, figures) in &parts {
        lines.extend(figures.load.iter().flat_map(|load| about_load(&title(name, report), load)));
    }
    lines.extend(about_memory(report));
    lines.extend(report.expiring.iter().flat_map(about_expiring));
    lines.extend(about_lists(report));
    lines.join("\n") + "\n"
}

type Row = (&'static str, fn(&Figures) -> Option<String>);

/// A row's name, in the words of what was measured.
fn worded(name: &str, report: &Report) -> String {
    match report.settings.inbound {
        true => {
            name.replace("messages/s", "requests/s").replace("a message", "a request").replace("202", "200")
        }
        false => name.to_owned(),
    }
}

const ROWS: [Row; 17] = [
    ("messages/s", |f| Some(whole(f.messages_per_second))),
    ("deliveries/s", |f| {
        (f.stored.is_none() && f.arrived != f.accepted).then(|| whole(f.deliveries_per_second))
    }),
    ("server, CPU µs a message", |f| f.server_cpu_us_per_message.map(tenths)),
    ("  of these PostgreSQL's", |f| f.postgres_cpu_us_per_message.map(tenths)),
    ("server, CPU µs a delivery", |f| {
        f.server_cpu_us_per_delivery.filter(|_| f.arrived != f.accepted).map(tenths)
    }),
    ("client and receiver, CPU µs a message", |f| Some(tenths(f.client_and_receiver_cpu_us_per_message))),
    ("server / floor", |f| f.ratio_to_floor.map(|ratio| format!("{ratio:.2}"))),
    ("send to arrival, p50 ms", |f| f.arrival_ms.map(|times| hundredths(times.p50))),
    ("send to arrival, p99 ms", |f| f.arrival_ms.map(|times| hundredths(times.p99))),
    ("send to arrival, max ms", |f| f.arrival_ms.map(|times| hundredths(times.max))),
    ("send to 202, p50 ms", |f| f.server_cpu_us_per_message.map(|_| hundredths(f.accepted_ms.p50))),
    ("send to 202, p99 ms", |f| f.server_cpu_us_per_message.map(|_| hundredths(f.accepted_ms.p99))),
    ("accepted", |f| Some(grouped(f.accepted))),
    ("stored", |f| f.stored.map(grouped)),
    ("arrived", |f| f.stored.is_none().then(|| grouped(f.arrived))),
    ("duplicates", |f| f.stored.is_none().then(|| grouped(f.duplicates))),
    ("lost", |f| Some(grouped(f.lost))),
];

fn about_machine(report: &Report) -> String {
    let machine = &report.machine;
    let mut facts = vec![format!("hookwright {}", machine.version), format!("{} cores", machine.cores)];
    facts.extend(machine.kernel.as_ref().map(|kernel| format!("Linux {kernel}")));
    facts.extend(machine.filesystem.clone());
    facts.extend(machine.sync_us.map(|time| format!("durable in {} µs", grouped(time))));
    facts.join(" · ")
}

fn about_settings(report: &Report) -> String {
    let settings = &report.settings;
    let mut facts = vec![
        settings.database.clone(),
        format!("{} senders", grouped(settings.senders.into())),
        format!("payloads of {} bytes", grouped(settings.payload_bytes)),
        match (settings.inbound, settings.idempotency_keys) {
            (true, _) => "requests to a source, signed as GitHub does",
            (false, true) => "idempotency keys",
            (false, false) => "no idempotency keys",
        }
        .to_owned(),
    ];
    match (settings.nodes, settings.pinned) {
        (1, false) => {}
        (1, true) => facts.push("1 node, kept on a core".to_owned()),
        (more, false) => facts.push(format!("{more} nodes")),
        (more, true) => facts.push(format!("{more} nodes, each kept on a core")),
    }
    if settings.pending > 0 {
        facts.push(format!("{} deliveries pending at its start", grouped(settings.pending)));
    }
    if settings.fan_out > 1 {
        facts.push(format!("{} endpoints for each message", grouped(settings.fan_out.into())));
    }
    match settings.failing {
        0 => {}
        1 => facts.push("1 failing endpoint".to_owned()),
        more => facts.push(format!("{} failing endpoints", grouped(more.into()))),
    }
    facts.join(" · ")
}

fn title(part: &str, report: &Report) -> String {
    match part {
        "full" => "full speed".to_owned(),
        "rate" => format!("at {}/s", grouped(report.settings.rate.into())),
        other => other.to_owned(),
    }
}

/// What each process did in a part, and how much of the machine it used.
fn about_load(part: &str, load: &LoadFigures) -> Vec<String> {
    let titles = ["cores used", "accepted/s", "delivered/s", "CPU µs each"].map(str::to_owned);
    let mut lines = vec![String::new(), row(part, titles)];
    for node in &load.nodes {
        let on = node.core.map_or_else(String::new, |core| format!(", on core {core}"));
        let values = [
            hundredths(node.cores),
            whole(node.accepted_per_second),
            whole(node.delivered_per_second),
            tenths(node.cpu_us_per_message),
        ];
        lines.push(row(&format!("node {}{on}", node.node), values));
    }
    let nodes = load.nodes.iter().map(|node| node.cores).sum();
    let values = [
        hundredths(nodes),
        whole(load.accepted_per_second),
        whole(load.delivered_per_second),
        tenths(load.nodes_cpu_us_per_message),
    ];
    lines.push(row("all nodes", values));
    lines.extend(load.postgres_cores.map(|cores| row("PostgreSQL", [hundredths(cores)])));
    lines.push(row("client and receiver", [hundredths(load.bench_cores)]));
    for core in &load.cores {
        lines.push(row(&format!("core {}, whoever used it", core.core), [hundredths(core.busy)]));
    }
    lines.extend(load.limits());
    lines
}

fn about_memory(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(memory) = report.memory {
        lines.push(String::new());
        let ready = report.started_in_ms.map(|time| format!("{time:.0}"));
        lines.extend(ready.map(|time| row("server, ready after, ms", [time])));
        lines.push(row("server, memory at its start, MiB", [mebibytes(memory.started_rss)]));
        if memory.backlog_deliveries > 0 {
            let name = format!("with {} deliveries waiting", grouped(memory.backlog_deliveries));
            lines.push(row(&name, [mebibytes(memory.backlog_rss)]));
        }
        lines.push(row("at the end", [mebibytes(memory.final_rss)]));
        lines.push(row("at most", [mebibytes(memory.peak_rss)]));
    }
    if let Some(storage) = report.storage {
        lines.push(String::new());
        lines.push(row("PostgreSQL, bytes kept a message", [whole(storage.stored_bytes_per_message)]));
        lines.push(row("PostgreSQL, bytes of log a message", [whole(storage.logged_bytes_per_message)]));
    }
    if let Some(idle) = report.idle {
        lines.push(String::new());
        lines.push(row("server, idle, memory MiB", [mebibytes(idle.rss)]));
        lines.push(row("server, idle, CPU µs a second", [tenths(idle.cpu_us_per_second)]));
        let postgres = idle.postgres_cpu_us_per_second.map(tenths);
        lines.extend(postgres.map(|time| row("  of these PostgreSQL's", [time])));
    }
    lines
}

/// Rows of the samples that are shown, at most.
const SAMPLES_SHOWN: usize = 20;

fn about_expiring(expiring: &ExpiringFigures) -> Vec<String> {
    let after = match expiring.gone_after_seconds {
        Some(seconds) => format!("gone {seconds:.0} s after the server's start"),
        None => "not all gone".to_owned(),
    };
    let mut lines = vec![String::new(), format!("{} expired messages: {after}", grouped(expiring.messages))];
    lines.push(row("slices that removed them", [grouped(expiring.slices)]));
    lines.push(row("of these longer than 5 ms", [grouped(expiring.slices_over_5_ms)]));
    lines.push(row("that worked longer than 5 ms", [grouped(expiring.slices_over_5_ms_of_cpu)]));
    let titles = ["gone", "file, MiB", "log, MiB"].map(str::to_owned);
    lines.push(row("seconds after the server's start", titles));
    let every = expiring.samples.len().div_ceil(SAMPLES_SHOWN).max(1);
    for sample in expiring.samples.iter().step_by(every).chain(expiring.samples.last()) {
        let values = [grouped(sample.expired), mebibytes(sample.file_bytes), mebibytes(sample.log_bytes)];
        lines.push(row(&format!("{:.0}", sample.seconds), values));
    }
    lines
}

fn about_lists(report: &Report) -> Vec<String> {
    if report.lists.is_empty() {
        return Vec::new();
    }
    let mut lines =
        vec![String::new(), row("one page of", ["items", "median, ms", "slowest, ms"].map(str::to_owned))];
    for list in &report.lists {
        let values = [grouped(list.items as u64), hundredths(list.median_ms), hundredths(list.slowest_ms)];
        lines.push(row(list.what, values));
    }
    lines
}

fn row(name: &str, values: impl IntoIterator<Item = String>) -> String {
    let mut line = format!("{name:<NAME_WIDTH$}");
    for value in values {
        line.push_str(&format!("{value:>VALUE_WIDTH$}"));
    }
    line.trim_end().to_owned()
}

fn whole(value: f64) -> String {
    // The figure is positive and far below the largest integer.
    grouped(value.round() as u64)
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1_024 * 1_024))
}
