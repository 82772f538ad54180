//! Which check of the scripts in `tests/sdk` answers for which operation: it calls it, and asserts what it means.

/// A check's name, and the operations that it answers for.
pub(super) type Check = (&'static str, &'static [&'static str]);

/// Each operation that SDKs have a function for stands here at least once.
#[rustfmt::skip]
pub(super) const ANSWERABLE: &[Check] = &[
    // What is refused does not count as called.
    ("access", &[]),
    ("health", &["v1.health.get"]),
    ("applications", &[
        "v1.application.create", "v1.application.get", "v1.application.list", "v1.application.upsert",
        "v1.application.patch", "v1.application.delete",
    ]),
    ("event_types", &[
        "v1.event-type.create", "v1.event-type.get", "v1.event-type.list", "v1.event-type.upsert",
        "v1.event-type.patch", "v1.event-type.delete", "v1.event-type.import-openapi",
    ]),
    ("endpoints", &[
        "v1.endpoint.create", "v1.endpoint.get", "v1.endpoint.list", "v1.endpoint.upsert", "v1.endpoint.patch",
        "v1.endpoint.delete", "v1.endpoint.get-headers", "v1.endpoint.set-headers", "v1.endpoint.patch-headers",
        "v1.endpoint.send-example",
    ]),
    ("secrets", &["v1.endpoint.get-secret", "v1.endpoint.rotate-secret"]),
    ("messages", &["v1.message.create", "v1.message.get", "v1.message.list", "v1.message.expunge-content"]),
    ("attempts", &[
        "v1.message-attempt.get", "v1.message-attempt.list-by-msg", "v1.message-attempt.list-by-endpoint",
        "v1.message-attempt.list-attempted-messages", "v1.message-attempt.list-attempted-destinations",
        "v1.message-attempt.resend", "v1.message-attempt.expunge-content", "v1.endpoint.get-stats",
    ]),
    ("tasks", &[
        "v1.endpoint.recover", "v1.endpoint.replay-missing", "v1.endpoint.bulk-replay", "v1.background-task.get",
        "v1.background-task.list",
    ]),
    ("portal", &[
        "v1.authentication.app-portal-access", "v1.authentication.expire-all", "v1.authentication.logout",
    ]),
    ("operational_webhooks", &[
        "v1.operational-webhook.endpoint.create", "v1.operational-webhook.endpoint.get",
        "v1.operational-webhook.endpoint.list", "v1.operational-webhook.endpoint.upsert",
        "v1.operational-webhook.endpoint.delete", "v1.operational-webhook.endpoint.get-headers",
        "v1.operational-webhook.endpoint.set-headers", "v1.operational-webhook.endpoint.get-secret",
        "v1.operational-webhook.endpoint.rotate-secret",
    ]),
    ("ingesting", &[
        "v1.ingest.source.create", "v1.ingest.source.get", "v1.ingest.source.list", "v1.ingest.source.upsert",
        "v1.ingest.source.delete", "v1.ingest.source.rotate-token", "v1.ingest.endpoint.create",
        "v1.ingest.endpoint.get", "v1.ingest.endpoint.list", "v1.ingest.endpoint.upsert",
        "v1.ingest.endpoint.delete", "v1.ingest.endpoint.get-headers", "v1.ingest.endpoint.set-headers",
        "v1.ingest.endpoint.get-secret", "v1.ingest.endpoint.rotate-secret",
    ]),
    // The filters of the lists, their pages, and statistics of a span of time.
    ("lists_of_what_was_sent", &[
        "v1.message-attempt.list-by-msg", "v1.message-attempt.list-by-endpoint",
        "v1.message-attempt.list-attempted-messages", "v1.message-attempt.list-attempted-destinations",
        "v1.endpoint.get-stats",
    ]),
    // What SDKs send and the open-source server ignores.
    ("honoured_here", &[
        "v1.application.list", "v1.endpoint.send-example", "v1.event-type.create", "v1.event-type.patch",
        "v1.event-type.upsert", "v1.event-type.list", "v1.authentication.app-portal-access",
    ]),
];

/// The check that sends each POST twice with one idempotency key.
#[rustfmt::skip]
pub(super) const DONE_TWICE: Check = ("repeated_posts", &[
    "v1.application.create", "v1.event-type.create", "v1.event-type.import-openapi", "v1.endpoint.create",
    "v1.endpoint.rotate-secret", "v1.endpoint.send-example", "v1.endpoint.recover", "v1.endpoint.replay-missing",
    "v1.endpoint.bulk-replay", "v1.message.create", "v1.message-attempt.resend",
    "v1.authentication.app-portal-access", "v1.authentication.expire-all",
    "v1.operational-webhook.endpoint.create", "v1.operational-webhook.endpoint.rotate-secret",
    "v1.ingest.source.create", "v1.ingest.source.rotate-token", "v1.ingest.endpoint.create",
    "v1.ingest.endpoint.rotate-secret",
]);

/// Whose token a first try has ended is nobody at the second.
pub(super) const NOT_DONE_TWICE: &[&str] = &["v1.authentication.logout"];

/// Lists whose order the SDKs cannot ask for.
pub(super) const WITHOUT_ORDER: &[&str] = &[
    "v1.message.list",
    "v1.message-attempt.list-by-msg",
    "v1.message-attempt.list-by-endpoint",
    "v1.message-attempt.list-attempted-messages",
    "v1.message-attempt.list-attempted-destinations",
];

/// What begins like these no SDK has a function for: some are ours alone, and some the hosted server has.
pub(super) const IN_NO_SDK: [&str; 11] = [
    "v1.broadcast.create",
    "v1.health.ping",
    "v1.health.ready",
    "v1.authentication.whoami",
    // In the older JavaScript SDK alone, whose script calls it.
    "v1.authentication.dashboard-access",
    "v1.management.authentication.",
    "v1.ingest.source.patch",
    "v1.ingest.log.",
    "v1.ingest.endpoint.bulk-replay",
    "v1.ingest.endpoint.recover",
    "v1.ingest.endpoint.replay-missing",
];
