//! Which messages a list shows.

use clap::Args;

use crate::cli::client::Path;
use crate::cli::failure::Failure;
use crate::cli::given;

/// Which messages a list shows; all that is given must hold.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct FilterArgs {
    /// Of this event type; may be repeated
    #[arg(long, value_name = "NAME")]
    event_type: Vec<String>,
    /// In this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// With this tag
    #[arg(long, value_name = "WORD")]
    tag: Option<String>,
    /// With this `eventId`
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// With this text in the payload, letter for letter
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// After this point in time: RFC 3339, or how long ago, such as 2h
    #[arg(long, value_name = "TIME")]
    after: Option<String>,
    /// Before this point in time
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
}

impl FilterArgs {
    /// The path, with what is asked for.
    pub(in crate::cli) fn ask(&self, path: Path) -> Result<Path, Failure> {
        let path = self.event_type.iter().fold(path, |path, name| path.ask("event_types", name));
        Ok(path
            .ask_if("channel", self.channel.as_deref())
            .ask_if("tag", self.tag.as_deref())
            .ask_if("event_id", self.event_id.as_deref())
            .ask_if("payload_text", self.text.as_deref())
            .ask_if("after", given::time_if("after", self.after.as_deref())?)
            .ask_if("before", given::time_if("before", self.before.as_deref())?))
    }
}
