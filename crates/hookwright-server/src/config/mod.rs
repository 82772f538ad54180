//! What an operator sets: flags over `HOOKWRIGHT_*` variables over `hookwright.toml`.
//!
//! Every setting is one [`Key`], and has the same name in all three places. A value travels downwards through the
//! modules below: it is found, read from its text, and becomes part of the [`Settings`].

mod key; // what can be set
mod place; // where it was set

mod file; // the three places
mod flags;
mod layers;
mod variables;

mod duration; // from text to values
mod size;
mod value;

mod effective; // for people to look at
mod error;
mod settings;

pub use duration::{format_duration, parse_duration};
pub use effective::Effective;
pub use error::{ConfigError, ValueError};
pub use flags::SettingFlags;
pub use key::{Key, Profile};
pub use place::Place;
pub use settings::{LogFormat, Settings};
pub use size::{format_size, parse_size};
