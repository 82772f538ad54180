//! Where a source's requests say what happened, on the wire.

use hookwright::domain::event_type_place::EventTypePlace;
use hookwright::domain::inbound::holds_credential;
use hookwright::domain::json_pointer::JsonPointer;
use http::HeaderName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::fields::Fields;

/// The longest name of a header, in bytes.
const HEADER_BYTES_MAX: usize = 256;

/// Where requests say what happened: one of the two.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct SourceEventType {
    /// In this header, such as `x-github-event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    header: Option<String>,
    /// At this place of a body of JSON (RFC 6901), such as `/type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
}

impl SourceEventType {
    pub(super) fn of(place: &EventTypePlace) -> SourceEventType {
        match place {
            EventTypePlace::Header(name) => SourceEventType { header: Some(name.clone()), pointer: None },
            EventTypePlace::Pointer(pointer) => {
                SourceEventType { header: None, pointer: Some(pointer.as_str().to_owned()) }
            }
        }
    }

    pub(super) fn read(self, fields: &mut Fields) -> Option<EventTypePlace> {
        const FIELD: &str = "eventType";
        match (self.header, self.pointer) {
            (Some(name), None) => match HeaderName::try_from(name.as_str()) {
                Ok(name) if holds_credential(name.as_str()) => {
                    fields.refuse(
                        FIELD,
                        format_args!("must not be read from {name}, which holds a credential"),
                    );
                    None
                }
                Ok(name) if name.as_str().len() <= HEADER_BYTES_MAX => {
                    Some(EventTypePlace::Header(name.as_str().to_owned()))
                }
                _ => {
                    fields.refuse(
                        FIELD,
                        format_args!(
                            "must have the name of a header, such as x-github-event, of at most {HEADER_BYTES_MAX} bytes"
                        ),
                    );
                    None
                }
            },
            (None, Some(text)) => match JsonPointer::parse(&text) {
                Ok(pointer) => Some(EventTypePlace::Pointer(pointer)),
                Err(error) => {
                    fields.refuse_saying(FIELD, format!("The pointer of eventType {error}."));
                    None
                }
            },
            (Some(_), Some(_)) | (None, None) => {
                fields.refuse(FIELD, "must have either a header or a pointer");
                None
            }
        }
    }
}
