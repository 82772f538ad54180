//! The searches: nothing goes wrong in the protocol, and whatever guard is left out, something does.

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use super::{Budget, Flaw, Protocol};
use super::{
    DONE_IN_TIME, FOUND_OUT, HANDED_OVER, LOGGED_LATE, NO_LATE_START, NO_STALE_OUTCOME, NOT_TWICE, TAKEN_OVER,
};

/// Set to anything, it lets the larger searches run.
const LARGE: &str = "HOOKWRIGHT_LEASE_MODEL_LARGE";

const NOTHING: Budget =
    Budget { faults: 0, crashes: 0, halts: 0, cuts: 0, outages: 0, stops: 0, failures: 0, lags: 0, slow: 0 };

/// Nobody fails, but all that is usual happens.
const USUAL: Budget = Budget { stops: 1, failures: 1, slow: 2, ..NOTHING };
/// Any two faults.
const FAULTS: Budget = Budget { faults: 2, crashes: 2, halts: 2, cuts: 2, outages: 2, ..NOTHING };
/// One fault, while things take their time, and a node is stopped.
const SLOW: Budget = Budget { faults: 1, stops: 1, slow: 1, ..FAULTS };
/// A node is cut off or halted, and its clock is not the database's.
const CLOCKS: Budget = Budget { faults: 1, lags: 1, slow: 1, ..FAULTS };
/// What waits is claimed: what failed.
const CLAIMS: Budget = Budget { faults: 1, failures: 1, ..FAULTS };

/// A connection is cut; a node is halted; the database goes: enough to show what each guard is for.
const CUT: Budget = Budget { faults: 1, cuts: 1, ..NOTHING };
const CUT_AND_LAG: Budget = Budget { lags: 1, ..CUT };
const CUT_AND_SLOW_LAG: Budget = Budget { lags: 1, slow: 1, ..CUT };
const CRASH: Budget = Budget { faults: 1, crashes: 1, ..NOTHING };
const CRASH_HALT_AND_SLOW: Budget = Budget { faults: 2, crashes: 1, halts: 1, slow: 1, ..NOTHING };
const OUTAGE: Budget = Budget { faults: 1, outages: 1, ..NOTHING };

struct Search {
    found: BTreeSet<&'static str>,
    /// The steps that lead to what must not happen.
    failures: String,
}

/// Searches until something goes wrong, or there is nothing left to see.
fn search<const N: usize, const M: usize>(budget: Budget, flaw: Option<Flaw>) -> Search {
    let checker = Protocol::<N, M> { budget, flaw }.checker();
    let checker = checker.threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!("{} states, {} steps deep", checker.unique_state_count(), checker.max_depth());
    let mut search = Search { found: BTreeSet::new(), failures: String::new() };
    for (name, path) in checker.discoveries() {
        search.found.insert(name);
        if checker.model().property(name).expectation.discovery_is_failure() {
            search.failures += &format!("not so: {name}\n");
            path.into_actions().iter().for_each(|step| search.failures += &format!("  {step:?}\n"));
        }
    }
    search
}

#[track_caller]
fn check<const N: usize, const M: usize>(budget: Budget, happens: &[&'static str]) {
    let Search { found, failures } = search::<N, M>(budget, None);
    assert_eq!(failures, "");
    assert_eq!(found, happens.iter().copied().collect());
}

#[test]
fn without_a_fault_nothing_is_made_twice_and_a_node_that_stops_hands_over() {
    check::<2, 1>(USUAL, &[HANDED_OVER]);
}

#[test]
fn whatever_two_faults_come_together_nothing_is_lost() {
    check::<2, 1>(FAULTS, &[TAKEN_OVER, LOGGED_LATE, FOUND_OUT]);
}

#[test]
fn nothing_is_lost_while_all_takes_its_time_and_a_node_is_stopped() {
    check::<2, 1>(SLOW, &[TAKEN_OVER, LOGGED_LATE, FOUND_OUT, HANDED_OVER]);
}

#[test]
fn clocks_that_lag_by_the_margin_do_no_harm() {
    check::<2, 1>(CLOCKS, &[TAKEN_OVER, LOGGED_LATE, FOUND_OUT]);
}

#[test]
fn what_waits_is_claimed_whatever_fault_comes() {
    check::<2, 1>(CLAIMS, &[TAKEN_OVER, LOGGED_LATE, FOUND_OUT]);
}

#[test]
fn whichever_guard_is_left_out_something_goes_wrong() {
    for (flaw, budget, wrong) in [
        (Flaw::NoGuard, CUT, DONE_IN_TIME),
        (Flaw::NoMark, CUT, DONE_IN_TIME),
        (Flaw::NotBarred, CUT, DONE_IN_TIME),
        (Flaw::TakenInLate, CUT, NO_STALE_OUTCOME),
        (Flaw::ReplayTakenIn, OUTAGE, NOT_TWICE),
        (Flaw::NotSealed, CUT, DONE_IN_TIME),
        (Flaw::OutcomeUnfenced, CUT, NO_STALE_OUTCOME),
        (Flaw::OutcomeOfAnyLease, CUT, NO_STALE_OUTCOME),
        (Flaw::NoDeadline, CUT, NO_LATE_START),
        (Flaw::CountedFromAnswer, CUT_AND_SLOW_LAG, NO_LATE_START),
        (Flaw::NoMargin, CUT_AND_LAG, NO_LATE_START),
        (Flaw::RenewalAnyTime, CRASH_HALT_AND_SLOW, DONE_IN_TIME),
        (Flaw::NoEnd, CRASH, DONE_IN_TIME),
        (Flaw::NoSighting, OUTAGE, NOT_TWICE),
    ] {
        let Search { found, failures } = search::<2, 1>(budget, Some(flaw));
        assert!(found.contains(wrong), "{flaw:?} is not found out: {failures}");
    }
}

#[test]
fn two_messages_do_not_get_into_each_others_way() {
    check::<2, 2>(Budget { faults: 1, ..FAULTS }, &[TAKEN_OVER, LOGGED_LATE, FOUND_OUT]);
}

/// What takes minutes and gigabytes is searched when it is asked for.
#[test]
fn larger_searches_find_nothing_either() {
    if std::env::var_os(LARGE).is_none() {
        println!("skipped: {LARGE} is not set");
        return;
    }
    let happens = [TAKEN_OVER, LOGGED_LATE, FOUND_OUT];
    check::<2, 1>(Budget { faults: 2, stops: 0, ..SLOW }, &happens);
    check::<2, 1>(Budget { faults: 2, ..CLAIMS }, &happens);
    check::<3, 1>(FAULTS, &happens);
}
