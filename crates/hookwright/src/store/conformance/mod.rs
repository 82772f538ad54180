//! What every backend must do: one body for each behaviour, run on each backend by the macro at the end.

mod fixture; // an open store, and things to put into it

mod attempt; // the behaviours, by noun
mod broadcast;
mod catalog;
mod confirmation;
mod delivery;
mod erasure;
mod expunge;
mod health;
mod idempotency;
mod inbound;
mod lists;
mod message;
mod retention;
mod source;
mod stats;
mod task;
mod telling;
mod ticket;
mod token;

#[cfg(feature = "postgres")]
mod postgres_days; // how its partitions come and go
#[cfg(feature = "postgres")]
mod moving; // what a move from one to the other takes along
#[cfg(feature = "postgres")]
mod postgres_changes; // what nodes hear of each other
#[cfg(feature = "postgres")]
mod postgres_lease; // how nodes share what is pending
#[cfg(feature = "postgres")]
mod postgres_secrets; // what must not be found in a copy of its database
#[cfg(feature = "postgres")]
mod postgres_planted; // nor used, if it is
#[cfg(feature = "postgres")]
mod postgres_server; // and what only a server can do wrong
#[cfg(feature = "postgres")]
mod postgres_writers; // and several writers at the same time
mod sqlite_file; // what only a file can do wrong
mod sqlite_secrets; // and what must not be found in it
mod sqlite_planted; // nor used, if it is

/// Makes a test of each body, on each backend.
macro_rules! conform {
    ($($noun:ident: $($behaviour:ident),+;)+) => {
        mod on_sqlite {
            $(mod $noun {
                use crate::store::conformance::fixture::Fixture;
                $(
                    #[tokio::test]
                    async fn $behaviour() {
                        crate::store::conformance::$noun::$behaviour(Fixture::sqlite()).await;
                    }
                )+
            })+
        }

        #[cfg(feature = "postgres")]
        mod on_postgres {
            $(mod $noun {
                use crate::store::conformance::fixture::Fixture;
                $(
                    #[tokio::test]
                    async fn $behaviour() {
                        let Some(fixture) = Fixture::postgres().await else { return };
                        crate::store::conformance::$noun::$behaviour(fixture).await;
                    }
                )+
            })+
        }

        // While a later release expands the schema, nodes of this one go on.
        #[cfg(feature = "postgres")]
        mod on_expanded_postgres {
            $(mod $noun {
                use crate::store::conformance::fixture::Fixture;
                $(
                    #[tokio::test]
                    async fn $behaviour() {
                        let Some(fixture) = Fixture::postgres_expanded().await else { return };
                        crate::store::conformance::$noun::$behaviour(fixture).await;
                    }
                )+
            })+
        }
    };
}

conform! {
    attempt:
        an_outcome_ends_the_delivery_or_sets_its_next_time,
        a_retry_of_a_delivery_that_was_begun_afresh_changes_nothing,
        an_outcome_that_comes_twice_is_kept_once,
        attempts_are_read_back_as_they_were,
        the_last_attempt_tells_how_a_delivery_ended;
    broadcast:
        who_wants_an_event_type_is_found_as_endpoints_say_it,
        an_event_for_all_is_read_back_until_it_is_over,
        a_step_is_taken_once,
        messages_share_a_payload_wherever_they_are_read;
    catalog:
        applications_are_read_back_as_they_were,
        endpoints_are_read_back_with_secrets_headers_and_odd_characters,
        event_types_are_read_back_by_name,
        a_uid_is_taken_only_among_its_siblings,
        a_change_of_something_that_changed_meanwhile_is_stale,
        an_endpoint_is_disabled_once,
        an_endpoint_of_a_missing_application_is_refused,
        lists_of_applications_go_both_ways,
        whether_an_endpoint_or_event_type_is_there_is_known_by_each_of_its_names;
    confirmation:
        a_held_message_goes_to_nobody_until_it_is_confirmed,
        asking_again_is_fenced_and_a_verdict_can_be_reopened_but_not_once_it_is_confirmed,
        what_became_of_asking_goes_with_its_request;
    delivery:
        due_deliveries_are_taken_over_earliest_first_and_once,
        ready_deliveries_are_counted_by_endpoint,
        ready_deliveries_are_read_beyond_a_message_up_to_a_number_or_size,
        a_resend_makes_a_waiting_delivery_ready_and_leaves_a_ready_one,
        deliveries_end_in_slices_up_to_a_message;
    erasure:
        a_deleted_application_goes_in_slices_and_leaves_the_others_alone;
    expunge:
        a_message_keeps_everything_but_its_payload_and_its_retries_become_due,
        an_attempt_keeps_everything_but_what_was_answered;
    health:
        failures_are_kept_until_a_success_or_a_change_of_the_endpoint,
        failures_that_nodes_know_of_come_together_in_whichever_order,
        what_failed_before_a_success_that_reset_nothing_is_found_to_be_past,
        an_endpoint_is_disabled_for_failing_only_as_long_as_that_is_kept;
    idempotency:
        a_key_is_claimed_once_and_replayed,
        a_key_with_another_request_is_refused,
        an_expired_key_can_be_used_again,
        a_key_is_let_go_when_the_event_id_is_taken,
        keys_of_messages_expire_earliest_first,
        a_key_goes_with_its_message,
        keys_of_messages_are_known_after_a_restart,
        an_answer_is_kept_until_it_expires,
        keys_expire_by_their_first_byte;
    inbound:
        a_request_is_stored_with_the_message_it_becomes,
        a_key_that_came_before_makes_a_duplicate_within_its_source_until_it_expires,
        a_request_with_one_of_several_keys_that_came_before_is_a_copy_and_claims_none,
        a_copy_is_noted_without_its_body_unless_it_is_another_than_that_of_the_first,
        requests_go_with_their_messages_but_not_while_something_is_pending,
        a_deleted_source_takes_its_log_and_keys_along;
    lists:
        messages_are_filtered_by_every_condition,
        messages_are_found_by_their_event_id_and_by_text,
        messages_are_walked_forward_and_back,
        attempts_are_filtered_by_every_condition,
        messages_of_an_endpoint_have_their_status,
        destinations_are_those_a_message_was_meant_for,
        the_newest_messages_come_with_their_attempts;
    message:
        a_message_is_read_back_as_it_was,
        an_event_id_is_taken_within_its_application_alone,
        a_conflict_fails_its_own_item_and_not_the_batch;
    retention:
        old_messages_go_with_all_they_have_oldest_first,
        a_message_with_something_pending_stays,
        a_message_with_very_many_attempts_goes_slice_by_slice,
        a_payload_goes_when_it_is_due_and_the_rest_of_the_message_stays,
        a_payload_that_is_still_to_be_sent_waits,
        tasks_that_are_over_go_and_running_ones_stay;
    source:
        sources_are_read_back_as_they_were,
        a_change_of_a_source_is_guarded_and_its_uid_its_own,
        tokens_find_their_source_and_tell_when_they_end,
        the_application_of_a_source_is_in_no_list;
    stats:
        attempts_and_pending_messages_of_an_endpoint_are_counted_within_a_span,
        no_more_is_counted_than_the_limit;
    task:
        tasks_are_read_back_as_they_were,
        a_step_is_taken_once_and_whole,
        tasks_are_filtered_and_walked_forward_and_back,
        messages_are_read_with_how_far_they_have_come;
    telling:
        what_tells_of_a_change_is_written_with_it_or_not_at_all,
        what_tells_of_an_attempt_is_written_with_it,
        the_application_of_operational_webhooks_is_one_and_in_no_list;
    ticket:
        a_ticket_is_good_for_what_it_was_made_for_until_it_ends,
        a_ticket_is_used_up_by_the_one_that_is_made_for_it,
        too_many_tickets_end_the_oldest_of_their_kind,
        sessions_end_with_any_token_of_their_whole_organisation;
    token:
        tokens_are_found_by_their_hash_until_they_are_revoked,
        a_change_of_a_token_leaves_what_it_does_not_name,
        tokens_are_listed_by_whose_they_are_and_walked_both_ways,
        the_good_tokens_of_an_application_are_found_and_expire_no_later_than_asked,
        tokens_of_an_application_that_expired_long_ago_go_as_new_ones_come;
}
