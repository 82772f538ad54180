//! Tests of the lanes: fairness, limits, breaker, timers, and what happens to forgotten and cleared lanes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::dispatch::lane::Waiting;
use crate::dispatch::lanes::{End, Lanes, Limits, Start, Throttle};
use crate::domain::attempt::Trigger;
use crate::domain::breaker::{FAILURES_MAX, PROBE_WAIT_MIN};
use crate::domain::delivery::DeliveryKey;
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::lease::LeaseNumber;
use crate::domain::message::Message;
use crate::domain::names::EventTypeName;
use crate::domain::page::Page;
use crate::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const ROOMY: Limits =
    Limits { lane_concurrency: 4, concurrency: 100, lane_resident: 1_000, resident_bytes: 1 << 20 };
const NO_LIMIT: Throttle = Throttle { endpoint: None, application: None };

/// The delivery of message `message` to endpoint `endpoint` of application `application`.
pub(super) fn key(application: u8, endpoint: u8, message: u16) -> DeliveryKey {
    let mut id = [0; 20];
    id[18..].copy_from_slice(&message.to_be_bytes());
    DeliveryKey {
        application: ApplicationId::from_bytes([application; 20]),
        endpoint: EndpointId::from_bytes([endpoint; 20]),
        message: MessageId::from_bytes(id),
    }
}

/// The message of a delivery, with a payload of `bytes` bytes.
pub(super) fn message(key: DeliveryKey, bytes: usize) -> Arc<Message> {
    Arc::new(Message {
        id: key.message,
        application: key.application,
        event_type: EventTypeName::parse("book.added").unwrap(),
        event_id: None,
        channels: Vec::new(),
        tags: Vec::new(),
        payload: Bytes::from(vec![b'x'; bytes]),
        created_at: NOW,
    })
}

fn waiting(key: DeliveryKey) -> Waiting {
    Waiting { message: message(key, 1), attempts: 0, trigger: Trigger::Scheduled, lease: LeaseNumber::NONE }
}

fn push(lanes: &mut Lanes, key: DeliveryKey, throttle: Throttle) {
    lanes.push(key, waiting(key), 1, Some(throttle), NOW);
}

fn start_all(lanes: &mut Lanes, now: Timestamp) -> Vec<Start> {
    std::iter::from_fn(|| lanes.next(now)).collect()
}

fn after(milliseconds: u64) -> Timestamp {
    NOW.after(Duration::from_millis(milliseconds))
}

/// Fails a lane's attempts until its breaker is open. Needs deliveries in the lane, and a lane concurrency of at least one.
fn open_breaker(lanes: &mut Lanes) {
    for message in 0..=u16::try_from(FAILURES_MAX).unwrap() {
        push(lanes, key(1, 1, message), NO_LIMIT);
        let start = lanes.next(NOW).unwrap();
        lanes.ended(start.key, End::Failed, NOW);
    }
}

#[test]
fn applications_take_turns_however_much_one_of_them_sends() {
    let mut lanes = Lanes::new(Limits { lane_concurrency: 100, ..ROOMY });
    for message in 0..50 {
        push(&mut lanes, key(1, 1, message), NO_LIMIT);
    }
    push(&mut lanes, key(2, 2, 100), NO_LIMIT);
    push(&mut lanes, key(3, 3, 101), NO_LIMIT);
    let first: Vec<_> = (0..3).map(|_| lanes.next(NOW).unwrap().key.application.as_bytes()[0]).collect();
    assert_eq!(first, [1, 2, 3]);
}

#[test]
fn endpoints_of_one_application_take_turns() {
    let mut lanes = Lanes::new(ROOMY);
    for message in 0..4 {
        push(&mut lanes, key(1, 1, message), NO_LIMIT);
        push(&mut lanes, key(1, 2, message), NO_LIMIT);
    }
    let order: Vec<_> = start_all(&mut lanes, NOW).iter().map(|s| s.key.endpoint.as_bytes()[0]).collect();
    assert_eq!(order, [1, 2, 1, 2, 1, 2, 1, 2]);
}

#[test]
fn a_lane_and_all_lanes_together_start_no_more_than_they_may() {
    let mut lanes = Lanes::new(Limits { lane_concurrency: 2, concurrency: 3, ..ROOMY });
    for message in 0..5 {
        push(&mut lanes, key(1, 1, message), NO_LIMIT);
        push(&mut lanes, key(2, 2, message), NO_LIMIT);
    }
    let started = start_all(&mut lanes, NOW);
    assert_eq!(started.len(), 3);
    lanes.ended(started[0].key, End::Succeeded, NOW);
    assert_eq!(start_all(&mut lanes, NOW).len(), 1);
}

#[test]
fn an_endpoints_rate_spreads_its_attempts_and_sets_a_timer_for_the_next() {
    let mut lanes = Lanes::new(ROOMY);
    for message in 0..3 {
        push(&mut lanes, key(1, 1, message), Throttle { endpoint: Some(5), application: None });
    }
    assert_eq!(start_all(&mut lanes, NOW).len(), 1);
    assert_eq!(lanes.next_timer(), Some(after(200)));
    lanes.wake(after(199));
    assert_eq!(start_all(&mut lanes, after(199)).len(), 0);
    lanes.wake(after(200));
    assert_eq!(start_all(&mut lanes, after(200)).len(), 1);
}

#[test]
fn an_applications_rate_counts_over_all_its_endpoints() {
    let mut lanes = Lanes::new(ROOMY);
    for endpoint in 1..=3 {
        push(&mut lanes, key(1, endpoint, 0), Throttle { endpoint: None, application: Some(5) });
    }
    push(&mut lanes, key(2, 9, 0), NO_LIMIT);
    let started: Vec<_> = start_all(&mut lanes, NOW).iter().map(|s| s.key.endpoint.as_bytes()[0]).collect();
    assert_eq!(started, [1, 9]);
    lanes.wake(after(200));
    assert_eq!(start_all(&mut lanes, after(200)).len(), 1);
    lanes.wake(after(400));
    assert_eq!(start_all(&mut lanes, after(400)).len(), 1);
}

#[test]
fn an_application_that_waits_for_its_rate_comes_back_though_the_lane_in_front_is_gone() {
    let mut lanes = Lanes::new(ROOMY);
    let throttle = Throttle { endpoint: None, application: Some(1) };
    push(&mut lanes, key(1, 1, 0), throttle);
    push(&mut lanes, key(1, 1, 1), throttle);
    push(&mut lanes, key(1, 2, 0), throttle);
    let running = lanes.next(NOW).unwrap();
    push(&mut lanes, key(1, 2, 1), throttle);
    // Endpoint 2 is in front now; turn it so that endpoint 1 is.
    lanes.wake(after(1_000));
    let second = lanes.next(after(1_000)).unwrap();
    assert!(lanes.next(after(1_000)).is_none());
    lanes.clear(running.key.endpoint, MessageId::MAX);
    lanes.ended(running.key, End::Failed, after(1_000));
    lanes.ended(second.key, End::Succeeded, after(1_000));
    lanes.sweep(after(1_500));
    lanes.wake(after(2_000));
    assert_eq!(lanes.next(after(2_000)).map(|start| start.key), Some(key(1, 2, 1)));
}

#[test]
fn lifting_an_applications_rate_lets_its_lanes_go_at_once() {
    let mut lanes = Lanes::new(ROOMY);
    for message in 0..3 {
        push(&mut lanes, key(1, 1, message), Throttle { endpoint: None, application: Some(1) });
    }
    assert_eq!(start_all(&mut lanes, NOW).len(), 1);
    lanes.reconfigure_application(key(1, 1, 0).application, None);
    assert_eq!(start_all(&mut lanes, NOW).len(), 2);
}

#[test]
fn an_open_breaker_lets_one_probe_through_and_a_success_opens_the_lane_for_all() {
    let mut lanes = Lanes::new(ROOMY);
    open_breaker(&mut lanes);
    for message in 100..110 {
        push(&mut lanes, key(1, 1, message), NO_LIMIT);
    }
    assert_eq!(start_all(&mut lanes, NOW).len(), 0);
    let then = lanes.next_timer().unwrap();
    assert_eq!(then, NOW.after(PROBE_WAIT_MIN));
    lanes.wake(then);
    let probe = start_all(&mut lanes, then);
    assert_eq!(probe.len(), 1);
    assert!(lanes.ended(probe[0].key, End::Succeeded, then), "more than the probe's own place is free");
    assert_eq!(start_all(&mut lanes, then).len(), 4);
}

#[test]
fn a_changed_endpoint_is_tried_at_once_though_its_breaker_was_open() {
    let mut lanes = Lanes::new(ROOMY);
    open_breaker(&mut lanes);
    push(&mut lanes, key(1, 1, 100), NO_LIMIT);
    assert!(lanes.next(NOW).is_none());
    lanes.reconfigure_endpoint(key(1, 1, 0).endpoint, None, NOW);
    assert!(lanes.next(NOW).is_some());
}

#[test]
fn a_delivery_that_is_ready_again_before_its_attempt_was_said_to_end_is_not_forgotten() {
    let mut lanes = Lanes::new(ROOMY);
    push(&mut lanes, key(1, 1, 7), NO_LIMIT);
    let start = lanes.next(NOW).unwrap();
    lanes.push(start.key, waiting(start.key), 2, None, NOW);
    assert!(lanes.next_load().is_none());
    lanes.ended(start.key, End::Failed, NOW);
    let load = lanes.next_load().unwrap();
    let row = crate::store::write::Loaded {
        delivery: crate::domain::delivery::Delivery {
            key: start.key,
            attempts: 1,
            trigger: Trigger::Scheduled,
        },
        message: start.message,
        lease: LeaseNumber::NONE,
    };
    lanes.loaded(load, Page { items: vec![row], done: true }, 2, NO_LIMIT, NOW);
    assert_eq!(lanes.next(NOW).map(|start| start.attempts), Some(1));
    assert_eq!(lanes.snapshot().on_disk, 0);
}

#[test]
fn clearing_a_lane_forgets_what_waits_and_lets_what_runs_end() {
    let mut lanes = Lanes::new(Limits { lane_resident: 3, lane_concurrency: 1, ..ROOMY });
    for message in 0..10 {
        push(&mut lanes, key(1, 1, message), NO_LIMIT);
    }
    let running = lanes.next(NOW).unwrap();
    lanes.clear(running.key.endpoint, MessageId::MAX);
    let snapshot = lanes.snapshot();
    assert_eq!((snapshot.resident, snapshot.resident_bytes, snapshot.on_disk), (0, 0, 0));
    assert_eq!(snapshot.attempts_under_way, 1);
    lanes.ended(running.key, End::Succeeded, NOW);
    assert!(lanes.next(NOW).is_none());
}

#[test]
fn lanes_are_forgotten_once_nothing_is_lost_by_it() {
    let mut lanes = Lanes::new(ROOMY);
    push(&mut lanes, key(1, 1, 1), NO_LIMIT);
    let start = lanes.next(NOW).unwrap();
    lanes.ended(start.key, End::Succeeded, NOW);
    assert_eq!(lanes.snapshot().lanes, 0);
    push(&mut lanes, key(1, 1, 2), NO_LIMIT);
    let start = lanes.next(NOW).unwrap();
    lanes.ended(start.key, End::Failed, NOW);
    assert_eq!(lanes.snapshot().lanes, 1, "the failure is remembered");
    lanes.sweep(after(700_000));
    assert_eq!(lanes.snapshot().lanes, 0);
}

#[test]
fn a_stopped_dispatcher_starts_nothing() {
    let mut lanes = Lanes::new(ROOMY);
    push(&mut lanes, key(1, 1, 1), NO_LIMIT);
    lanes.stop();
    assert!(lanes.next(NOW).is_none());
}

/// Lanes whose limits are shared with other nodes, with one delivery that waits for a place of this limit.
fn waiting_for_a_place(throttle: Throttle) -> Lanes {
    let mut lanes = Lanes::new(ROOMY);
    lanes.shares_limits = true;
    push(&mut lanes, key(1, 1, 0), throttle);
    assert!(lanes.next(NOW).is_none());
    assert!(lanes.has_wants());
    lanes
}

fn reserve(lanes: &mut Lanes) {
    for slots in lanes.take_wants() {
        lanes.reserved(&slots, NOW, NOW);
    }
}

#[test]
fn whoever_waited_for_a_place_when_its_lanes_were_cleared_goes_on_with_what_comes() {
    for (endpoint, application) in [(None, Some(1)), (Some(1), None)] {
        let throttle = Throttle { endpoint, application };
        let mut lanes = waiting_for_a_place(throttle);
        lanes.clear(key(1, 1, 0).endpoint, MessageId::MAX);
        reserve(&mut lanes);
        assert!(lanes.next(NOW).is_none(), "nothing is left");
        push(&mut lanes, key(1, 1, 1), throttle);
        let mut started = start_all(&mut lanes, NOW);
        reserve(&mut lanes);
        started.extend(start_all(&mut lanes, NOW));
        assert_eq!(started.len(), 1, "{throttle:?}");
    }
}

#[test]
fn whoever_waited_for_a_place_goes_on_when_the_limit_is_gone_as_it_is_read_again() {
    for (endpoint, application) in [(None, Some(1)), (Some(1), None)] {
        let mut lanes = waiting_for_a_place(Throttle { endpoint, application });
        let DeliveryKey { application, endpoint, .. } = key(1, 1, 0);
        lanes.reread(application, endpoint, NO_LIMIT, NOW);
        assert_eq!(start_all(&mut lanes, NOW).len(), 1);
    }
}
