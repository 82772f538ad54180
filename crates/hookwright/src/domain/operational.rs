//! Operational webhooks: the types of them, and their payloads, which are those of the Svix API and a little more.

use serde_json::{Value, json};

use crate::domain::endpoint::DisabledReason;
use crate::domain::event::{AttemptEvent, Disabling, EndpointEvent, HookEvent, RefusalEvent};
use crate::domain::task::{Task, TaskFailure};

/// The event types of operational webhooks.
pub const OPERATIONAL_EVENT_TYPES: [&str; 10] = [
    "background_task.finished",
    "endpoint.created",
    "endpoint.deleted",
    "endpoint.disabled",
    "endpoint.enabled",
    "endpoint.updated",
    "message.attempt.exhausted",
    "message.attempt.failing",
    "message.attempt.recovered",
    "source.refused",
];

impl HookEvent {
    /// The event type of its operational webhook, one of [`OPERATIONAL_EVENT_TYPES`]; `None` if it has none.
    pub fn operational_type(&self) -> Option<&'static str> {
        match self {
            HookEvent::AttemptSucceeded(_) | HookEvent::AttemptFailed(_) | HookEvent::GivenUp(..) => None,
            HookEvent::MessageFailing(_) => Some("message.attempt.failing"),
            HookEvent::MessageExhausted(_) => Some("message.attempt.exhausted"),
            HookEvent::MessageRecovered(_) => Some("message.attempt.recovered"),
            HookEvent::EndpointCreated(_) => Some("endpoint.created"),
            HookEvent::EndpointUpdated(_) => Some("endpoint.updated"),
            HookEvent::EndpointDeleted(_) => Some("endpoint.deleted"),
            HookEvent::EndpointEnabled(_) => Some("endpoint.enabled"),
            HookEvent::EndpointDisabled(..) => Some("endpoint.disabled"),
            HookEvent::TaskFinished(_) => Some("background_task.finished"),
            HookEvent::SourceRefused(_) => Some("source.refused"),
        }
    }

    /// The payload of its operational webhook, as JSON: `{"type": …, "data": …}`; `None` if it has none.
    pub fn operational_payload(&self) -> Option<String> {
        let event_type = self.operational_type()?;
        let data = match self {
            HookEvent::AttemptSucceeded(_) | HookEvent::AttemptFailed(_) | HookEvent::GivenUp(..) => {
                return None;
            }
            HookEvent::MessageFailing(attempt)
            | HookEvent::MessageExhausted(attempt)
            | HookEvent::MessageRecovered(attempt) => of_attempt(attempt),
            HookEvent::EndpointCreated(endpoint)
            | HookEvent::EndpointUpdated(endpoint)
            | HookEvent::EndpointDeleted(endpoint)
            | HookEvent::EndpointEnabled(endpoint) => of_endpoint(endpoint),
            HookEvent::EndpointDisabled(endpoint, disabling) => of_disabling(endpoint, disabling),
            HookEvent::TaskFinished(task) => of_task(task),
            HookEvent::SourceRefused(refusal) => of_refusal(refusal),
        };
        Some(json!({ "type": event_type, "data": data }).to_string())
    }
}

fn of_endpoint(endpoint: &EndpointEvent) -> Value {
    json!({
        "appId": endpoint.origin.application.to_string(),
        "appUid": endpoint.origin.owner.as_ref().map(|uid| uid.as_str()),
        "endpointId": endpoint.endpoint.to_string(),
        "endpointUid": endpoint.uid.as_ref().map(|uid| uid.as_str()),
    })
}

/// Beside what Svix tells: the owner under that name, the target, why in words, and what was answered last.
fn of_disabling(endpoint: &EndpointEvent, disabling: &Disabling) -> Value {
    let is_manual = disabling.reason == DisabledReason::ByRequest;
    let mut data = of_endpoint(endpoint);
    data["trigger"] = json!(if is_manual { "manual" } else { "automatic" });
    data["failSince"] = json!(disabling.failing_since.map(|since| since.to_string()));
    data["owner"] = json!(endpoint.origin.owner.as_ref().map(|uid| uid.as_str()));
    data["target"] = json!(endpoint.url);
    data["reason"] = json!(disabling.reason.in_words());
    data["lastStatus"] = json!(disabling.last_response_code);
    data
}

fn of_attempt(attempt: &AttemptEvent) -> Value {
    json!({
        "appId": attempt.endpoint.origin.application.to_string(),
        "appUid": attempt.endpoint.origin.owner.as_ref().map(|uid| uid.as_str()),
        "endpointId": attempt.endpoint.endpoint.to_string(),
        "msgId": attempt.message.to_string(),
        "msgEventId": attempt.event_id.as_ref().map(|id| id.as_str()),
        "lastAttempt": {
            "id": attempt.attempt.to_string(),
            "responseStatusCode": attempt.response_code,
            "timestamp": attempt.started_at.to_string(),
        },
    })
}

/// Svix tells of nothing like it.
fn of_refusal(refusal: &RefusalEvent) -> Value {
    json!({
        "sourceId": refusal.source.to_string(),
        "sourceUid": refusal.uid.as_ref().map(|uid| uid.as_str()),
        "sourceName": refusal.name,
        "logId": refusal.request.to_string(),
        "status": refusal.status,
        "reason": refusal.reason,
        "timestamp": refusal.received_at.to_string(),
        "refused": refusal.refused,
    })
}

fn of_task(task: &Task) -> Value {
    json!({
        "taskId": task.id.to_string(),
        "task": task.kind.as_str(),
        "status": task.status.state().as_str(),
        "data": {
            "messagesSent": task.sent,
            "error": task.status.failure().map(TaskFailure::in_words),
            "appId": task.application.to_string(),
            "endpointId": task.endpoint.to_string(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::application::{Metadata, Purpose};
    use crate::domain::event::Origin;
    use crate::domain::ids::{ApplicationId, EndpointId, OrganisationId};
    use crate::domain::names::{EventTypeName, Uid};
    use crate::domain::time::Timestamp;

    #[test]
    fn a_disabled_endpoint_is_told_with_its_owner_its_target_and_why() {
        let origin = Origin {
            organisation: OrganisationId::from_bytes([1; 20]),
            application: ApplicationId::from_bytes([2; 20]),
            owner: Uid::parse("ann").ok(),
            purpose: Purpose::Customer,
        };
        let endpoint = EndpointEvent {
            origin,
            endpoint: EndpointId::from_bytes([3; 20]),
            uid: None,
            url: "https://example.com/hook".to_owned(),
            metadata: Metadata::default(),
        };
        let disabling = Disabling {
            reason: DisabledReason::Gone,
            last_response_code: Some(410),
            failing_since: Some(Timestamp::from_micros(0)),
        };
        let application = endpoint.origin.application;
        let event = HookEvent::EndpointDisabled(endpoint.clone(), disabling);
        let payload: Value = serde_json::from_str(&event.operational_payload().unwrap()).unwrap();
        assert_eq!(
            payload,
            json!({"type": "endpoint.disabled", "data": {
                "appId": application.to_string(), "appUid": "ann", "owner": "ann",
                "endpointId": endpoint.endpoint.to_string(), "endpointUid": null,
                "trigger": "automatic", "failSince": "1970-01-01T00:00:00.000000Z",
                "target": "https://example.com/hook", "reason": "it answered 410 Gone", "lastStatus": 410,
            }})
        );
    }

    #[test]
    fn every_type_can_be_the_name_of_an_event_type() {
        assert!(OPERATIONAL_EVENT_TYPES.iter().all(|name| EventTypeName::parse(name).is_ok()));
        assert!(OPERATIONAL_EVENT_TYPES.is_sorted());
    }
}
