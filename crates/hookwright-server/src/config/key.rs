//! Everything that can be set: names, defaults and what for.

/// The name before every environment variable of ours.
pub(super) const PREFIX: &str = "HOOKWRIGHT_";

/// One setting. Its variable is `HOOKWRIGHT_` and the name in capitals; in the file it is the name in lower case;
/// its flag has hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The address to listen on.
    Listen,
    /// Where the data is.
    DatabaseUrl,
    /// An access token fixed by the operator.
    ApiToken,
    /// What Svix-style tokens are signed with.
    JwtSecret,
    /// What secrets in the database are encrypted with.
    MasterKey,
    /// Where browsers reach this server.
    PublicUrl,
    /// When failed attempts are made again.
    RetrySchedule,
    /// How long one attempt may take.
    RequestTimeout,
    /// Whether endpoints must have `https` URLs.
    HttpsOnly,
    /// Under which names the signature is sent.
    SignatureHeaders,
    /// Networks that may be called though they are private or local.
    AllowTargetNetworks,
    /// Certificates to trust beside those of the operating system.
    CaFile,
    /// How large a payload may be.
    PayloadLimit,
    /// How large the body of a request to a source may be.
    InboundBodyLimit,
    /// How long messages are kept.
    Retention,
    /// How long requests to sources are kept.
    InboundRetention,
    /// Whether messages of event types that are not registered are refused.
    RefuseUnregistered,
    /// Where the product says which of its users a key belongs to.
    RestHooksVerifyUrl,
    /// What is run to tell the operator of what their customers are told.
    NotifyCommand,
    /// How long what is under way may take to end when the server stops.
    ShutdownGrace,
    /// What is logged.
    Log,
    /// How it is logged.
    LogFormat,
}

/// For whom the server runs, which decides a few defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `serve`: for real use.
    Serve,
    /// `dev`: on one developer's machine.
    Dev,
}

impl Key {
    /// All of them, in the order they are listed for people.
    pub const ALL: [Key; 22] = [
        Key::Listen,
        Key::DatabaseUrl,
        Key::PublicUrl,
        Key::ApiToken,
        Key::JwtSecret,
        Key::MasterKey,
        Key::RetrySchedule,
        Key::RequestTimeout,
        Key::HttpsOnly,
        Key::SignatureHeaders,
        Key::AllowTargetNetworks,
        Key::CaFile,
        Key::PayloadLimit,
        Key::InboundBodyLimit,
        Key::Retention,
        Key::InboundRetention,
        Key::RefuseUnregistered,
        Key::RestHooksVerifyUrl,
        Key::NotifyCommand,
        Key::ShutdownGrace,
        Key::Log,
        Key::LogFormat,
    ];

    /// The name in the file, in lower snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Key::Listen => "listen",
            Key::DatabaseUrl => "database_url",
            Key::ApiToken => "api_token",
            Key::JwtSecret => "jwt_secret",
            Key::MasterKey => "master_key",
            Key::PublicUrl => "public_url",
            Key::RetrySchedule => "retry_schedule",
            Key::RequestTimeout => "request_timeout",
            Key::HttpsOnly => "https_only",
            Key::SignatureHeaders => "signature_headers",
            Key::AllowTargetNetworks => "allow_target_networks",
            Key::CaFile => "ca_file",
            Key::PayloadLimit => "payload_limit",
            Key::Retention => "retention",
            Key::InboundBodyLimit => "inbound_body_limit",
            Key::InboundRetention => "inbound_retention",
            Key::RefuseUnregistered => "refuse_unregistered",
            Key::RestHooksVerifyUrl => "rest_hooks_verify_url",
            Key::NotifyCommand => "notify_command",
            Key::ShutdownGrace => "shutdown_grace",
            Key::Log => "log",
            Key::LogFormat => "log_format",
        }
    }

    /// The environment variable.
    pub fn variable(self) -> String {
        format!("{PREFIX}{}", self.name().to_ascii_uppercase())
    }

    /// Whether its value must not be shown. Such a value may come from a file, which `…_FILE` names.
    pub const fn is_secret(self) -> bool {
        matches!(self, Key::ApiToken | Key::JwtSecret | Key::MasterKey)
    }

    /// What holds when nothing is set, as it would be written; `None` if that is decided at the start.
    pub const fn default_text(self, profile: Profile) -> Option<&'static str> {
        Some(match (self, profile) {
            (Key::DatabaseUrl, Profile::Dev) => "sqlite://hookwright-dev.db",
            // Soon enough to watch, and long enough in all to repair a receiver and see it succeed.
            (Key::RetrySchedule, Profile::Dev) => "500ms,1s,2s,5s,10s",
            // A developer who presses Ctrl-C does not wait for a receiver that hangs.
            (Key::ShutdownGrace, Profile::Dev) => "2s",
            (Key::Listen, _) => "127.0.0.1:8071",
            (Key::DatabaseUrl, _) => "sqlite://hookwright.db",
            (Key::RetrySchedule, _) => "5s,5m,30m,2h,5h,10h,10h",
            (Key::RequestTimeout, _) => "15s",
            (Key::HttpsOnly, _) => "false",
            (Key::SignatureHeaders, _) => "webhook",
            (Key::AllowTargetNetworks, _) => "none",
            (Key::PayloadLimit, _) => "1MiB",
            (Key::Retention, _) => "90d",
            (Key::InboundBodyLimit, _) => "1MiB",
            (Key::InboundRetention, _) => "7d",
            (Key::RefuseUnregistered, _) => "false",
            // Longer than an attempt takes by default, so that each ends, and the node within 20 s; Kubernetes kills after 30 s.
            (Key::ShutdownGrace, _) => "17s",
            (Key::Log, _) => "info",
            (Key::LogFormat, _) => "text",
            (
                Key::ApiToken
                | Key::JwtSecret
                | Key::MasterKey
                | Key::PublicUrl
                | Key::CaFile
                | Key::RestHooksVerifyUrl
                | Key::NotifyCommand,
                _,
            ) => return None,
        })
    }

    /// A value that one could write.
    pub const fn example(self) -> &'static str {
        match self {
            Key::Listen => "0.0.0.0:8071",
            Key::DatabaseUrl => "sqlite:///var/lib/hookwright/hookwright.db",
            Key::ApiToken => "the output of `openssl rand -base64 32`",
            Key::JwtSecret => "the secret that your Svix-style tokens are signed with",
            Key::MasterKey => "2026-11:, and behind it the output of `openssl rand -base64 32`",
            Key::PublicUrl => "https://hooks.example.com",
            Key::RetrySchedule => "5s,5m,30m,2h",
            Key::RequestTimeout => "15s",
            Key::HttpsOnly => "true",
            Key::SignatureHeaders => "both",
            Key::AllowTargetNetworks => "10.20.0.0/16,fd00:20::/32",
            Key::CaFile => "/etc/ssl/certs/company-ca.pem",
            Key::PayloadLimit => "1MiB",
            Key::Retention => "90d",
            Key::InboundBodyLimit => "1MiB",
            Key::InboundRetention => "7d",
            Key::RefuseUnregistered => "true",
            Key::RestHooksVerifyUrl => "https://app.example.com/internal/verify",
            Key::NotifyCommand => r#"["/usr/local/bin/notify", "--webhooks"]"#,
            Key::ShutdownGrace => "17s",
            Key::Log => "info,hookwright=debug",
            Key::LogFormat => "json",
        }
    }
}

/// Keys that the contract names for later versions. They are refused rather than ignored, since who sets one relies on it.
pub(super) const LATER: [&str; 2] = [
    "dns_servers",
    // A table of the file.
    "capture",
];

/// Tables of the file whose keys are settings of their own: `verify_url` in `[rest_hooks]` is `rest_hooks_verify_url`.
pub(super) const TABLES: [&str; 2] = ["rest_hooks", "notify"];

/// The table of the file that declares events.
pub(super) const EVENTS: &str = "events";

/// Every name that may be written, the `…_file` forms of secrets too, in lower snake case.
pub(super) fn names() -> impl Iterator<Item = String> {
    Key::ALL.into_iter().flat_map(|key| {
        let from_file = key.is_secret().then(|| format!("{}_file", key.name()));
        [Some(key.name().to_owned()), from_file].into_iter().flatten()
    })
}

/// What a written name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The setting's value.
    Value(Key),
    /// The file that holds the setting's value.
    File(Key),
    /// Something that this version does not have.
    Later,
}

/// What a name in lower snake case means, if anything.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    if let Some(key) = Key::ALL.into_iter().find(|key| key.name() == name) {
        return Some(Meaning::Value(key));
    }
    let without_file = name.strip_suffix("_file");
    let secret = Key::ALL.into_iter().find(|key| key.is_secret() && Some(key.name()) == without_file);
    if let Some(key) = secret {
        return Some(Meaning::File(key));
    }
    LATER.contains(&name).then_some(Meaning::Later)
}
