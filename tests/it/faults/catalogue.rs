//! The catalogue of faults (faults.md, section 5): which test carries each case, or what stands in for one.

use std::collections::BTreeSet;
use std::path::Path;

/// Who carries a case.
enum Carried {
    /// Each of these tests a part of it.
    By(&'static [&'static str]),
    /// It cannot be tested here, or cannot happen; why, and what stands in for it.
    Elsewhere(&'static str),
    /// Nobody does, though somebody should; what is missing.
    NotYet(&'static str),
}

/// Every case of the list, group by group. A number that is not here is not in the list.
const LIST: [(char, &[u8]); 12] = [
    ('A', &[1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]),
    ('B', &[1, 2, 4, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]),
    ('C', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 20, 21]),
    ('D', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ('E', &[1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19]),
    ('F', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
    ('G', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ('H', &[1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20]),
    ('I', &[1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15]),
    ('J', &[1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16]),
    ('K', &[1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24]),
    ('L', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14]),
];

/// Every case: its id, what breaks, and who carries it.
#[rustfmt::skip]
const CASES: &[(&str, &str, Carried)] = &[
    ("A01", "a body that comes as base64", Carried::By(&["a01_pagerdutys_own_sample_is_answered_as_pagerduty_answers_it"])),
    ("A02", "a body that is not UTF-8", Carried::By(&["a02_a_body_is_bytes_and_need_not_be_text", "a02_whatever_arrives_at_any_door_nothing_panics_and_nothing_is_our_fault"])),
    ("A03", "a compressed body", Carried::By(&["a03_a_packed_body_says_what_it_says_unpacked_and_its_signature_is_of_what_came", "a03_b18_a_small_body_that_stands_for_a_huge_one_is_refused_and_so_is_what_is_no_gzip"])),
    ("A04", "a body that was written anew on its way", Carried::By(&["a04_one_changed_byte_anywhere_is_refused"])),
    ("A05", "header names in any case", Carried::By(&["a05_every_published_vector_verifies"])),
    ("A07", "several signatures, and very many", Carried::By(&["a07_a08_among_several_signatures_one_good_one_is_enough_but_a_long_list_is_not_looked_at"])),
    ("A08", "only versions that are unknown", Carried::By(&["a07_a08_among_several_signatures_one_good_one_is_enough_but_a_long_list_is_not_looked_at"])),
    ("A09", "five minutes and one second", Carried::By(&["a09_a18_c20_a_signed_time_is_good_for_five_minutes_both_ways_and_no_second_longer"])),
    ("A11", "a secret that is none", Carried::By(&["a11_a_secret_that_anybody_could_guess_is_our_mistake_and_verifies_nothing", "a11_a16_without_proof_nothing_is_taken_and_only_an_unknown_secret_is_worth_another_look"])),
    ("A12", "comparing in constant time", Carried::Elsewhere("How long a comparison takes cannot be asserted on a shared machine. `subtle` and `verify_slice` compare; a04_one_changed_byte_anywhere_is_refused says that they do.")),
    ("A13", "a secret that is replaced meanwhile", Carried::By(&["a13_every_secret_is_replaced_while_everybody_goes_on_and_nothing_is_refused_or_lost", "a13_a14_a_secret_that_was_replaced_a_moment_ago_is_fetched_before_anybody_is_refused", "a13_what_one_secret_of_two_signed_is_good_and_both_sign_what_we_send"])),
    ("A14", "a secret that changes and no deploy", Carried::By(&["a13_a14_a_secret_that_was_replaced_a_moment_ago_is_fetched_before_anybody_is_refused"])),
    ("A15", "a secret store that is down or has enough", Carried::By(&["a15_d11_when_we_cannot_do_our_part_the_sender_is_asked_to_come_back"])),
    ("A16", "the right secret at another's address", Carried::By(&["a11_a16_without_proof_nothing_is_taken_and_only_an_unknown_secret_is_worth_another_look"])),
    ("A17", "an exact replay in time", Carried::By(&["a17_a_signed_alert_counts_once_however_often_it_is_replayed", "a17_a18_a_message_that_is_sent_again_is_the_same_signal_and_as_old_as_before"])),
    ("A18", "a replay after its time", Carried::By(&["a09_a18_c20_a_signed_time_is_good_for_five_minutes_both_ways_and_no_second_longer", "a17_a18_a_message_that_is_sent_again_is_the_same_signal_and_as_old_as_before"])),
    ("A19", "a body that is too large", Carried::By(&["a19_b01_b02_b18_what_cannot_be_taken_is_refused_in_the_senders_dialect_and_never_queued"])),
    ("A20", "a flood without proof", Carried::Elsewhere("API Gateway throttles, and the emulator does not. That nothing is written before a proof is in a19_b01_b02_b18_what_cannot_be_taken_is_refused_in_the_senders_dialect_and_never_queued.")),
    ("A21", "other methods", Carried::By(&["a21_an_address_has_its_methods_and_tells_them"])),
    ("B01", "what is no JSON object", Carried::By(&["a19_b01_b02_b18_what_cannot_be_taken_is_refused_in_the_senders_dialect_and_never_queued", "b01_b04_b17_every_malformed_fixture_is_refused_in_the_dialect_of_its_sender"])),
    ("B02", "nesting without end", Carried::By(&["a19_b01_b02_b18_what_cannot_be_taken_is_refused_in_the_senders_dialect_and_never_queued"])),
    ("B04", "numbers that are too large", Carried::By(&["b04_b10_a_number_keeps_every_digit", "b01_b04_b17_every_malformed_fixture_is_refused_in_the_dialect_of_its_sender"])),
    ("B06", "one key in two encodings", Carried::By(&["b06_a_key_names_the_same_problem_however_it_is_encoded", "b06_b17_a_severity_is_read_in_any_case_and_an_unknown_one_is_none"])),
    ("B07", "a title that fools a reader", Carried::By(&["b07_b14_what_would_fool_a_reader_is_written_out"])),
    ("B08", "characters that no store carries", Carried::By(&["b08_what_no_store_could_carry_is_refused_wherever_it_hides"])),
    ("B10", "more digits than a table takes", Carried::By(&["b04_b10_a_number_keeps_every_digit"])),
    ("B11", "texts and labels without end", Carried::By(&["b11_d05_a_hostile_alert_is_cut_to_what_an_incident_can_hold", "b11_labels_without_end_are_bounded_and_say_so"])),
    ("B12", "times that cannot be", Carried::By(&["b12_c17_an_event_time_that_cannot_be_is_replaced_by_our_own"])),
    ("B13", "another content type", Carried::By(&["b13_a_body_of_the_wrong_kind_or_size_is_refused_before_it_is_verified"])),
    ("B14", "line feeds and escapes", Carried::By(&["b14_l06_what_is_refused_is_counted_and_no_secret_is_ever_written_down", "b14_an_error_tells_its_whole_chain_on_one_line", "b07_b14_what_would_fool_a_reader_is_written_out"])),
    ("B15", "markup in a title", Carried::By(&["b15_no_title_can_call_everybody_or_dress_up_a_link", "b15_a_title_is_text_and_never_markup"])),
    ("B16", "templates in a field", Carried::By(&["b16_what_looks_like_an_expression_is_never_worked_out"])),
    ("B17", "fields and versions that are unknown", Carried::By(&["b06_b17_a_severity_is_read_in_any_case_and_an_unknown_one_is_none", "b01_b04_b17_every_malformed_fixture_is_refused_in_the_dialect_of_its_sender"])),
    ("B18", "a million fields", Carried::By(&["a19_b01_b02_b18_what_cannot_be_taken_is_refused_in_the_senders_dialect_and_never_queued", "b18_a_request_of_too_many_alerts_is_refused"])),
    ("B19", "a subscription that calls out", Carried::By(&["b19_for_other_topics_and_other_certificates_nothing_is_fetched_and_nothing_confirmed", "b19_a_subscription_is_taken_at_sns_s_own_address_alone"])),
    ("B20", "a rule that cannot be read or fails", Carried::By(&["b20_a_condition_that_cannot_work_is_refused_with_a_fix", "b20_a_condition_that_fails_matches_nothing_and_stops_nothing"])),
    ("C01", "fifty posts at once", Carried::By(&["c01_ten_thousand_duplicates_are_one_incident_one_execution_and_one_page"])),
    ("C02", "a repeat while the first is at work", Carried::By(&["c02_c05_c19_d01_any_interleaving_of_writers_yields_one_unbroken_chain"])),
    ("C03", "a first try that was killed", Carried::Elsewhere("There is no lease that could expire: whoever comes again appends or finds it done, in e04_g01_g02_dedup_broken_at_any_call_opens_one_incident_and_starts_one_execution.")),
    ("C04", "no time that remains", Carried::Elsewhere("Nothing depends on the time that remains; see C03.")),
    ("C05", "a first try that ends late", Carried::By(&["c02_c05_c19_d01_any_interleaving_of_writers_yields_one_unbroken_chain", "c05_i01_i07_i08_whatever_races_nobody_is_paged_for_what_is_taken_on_and_nothing_is_forgotten"])),
    ("C06", "one key with another body", Carried::By(&["c06_a_key_stands_for_one_body_at_one_address_for_a_day_and_for_none_that_was_refused"])),
    ("C07", "a key that comes back after its end", Carried::By(&["c07_c13_what_signals_do_one_after_the_other"])),
    ("C08", "rows that expired and are still there", Carried::By(&["c08_a_silence_is_pending_then_active_then_expired"])),
    ("C09", "an answer that is too large to keep", Carried::Elsewhere("No answer is kept: a request that comes again is answered by the log.")),
    ("C10", "the same signal as a new message", Carried::By(&["c10_e19_in_any_order_and_any_batches_the_fingerprint_ends_the_same"])),
    ("C11", "one click that comes twice", Carried::By(&["c11_i12_a_button_acknowledges_once_and_the_message_shows_it"])),
    ("C12", "senders that try again", Carried::By(&["c12_c21_a_batch_that_comes_again_changes_nothing", "c12_a_request_that_comes_again_makes_no_second_silence_and_a_lost_answer_is_found_again"])),
    ("C13", "a resolve and then a trigger", Carried::By(&["c07_c13_what_signals_do_one_after_the_other", "c13_a_resolve_with_nothing_open_tells_nobody"])),
    ("C14", "a resolve that overtakes its trigger", Carried::By(&["c14_what_was_over_before_it_was_routed_pages_nobody"])),
    ("C15", "flapping", Carried::By(&["c15_what_flaps_is_told_once_and_then_only_when_it_stays"])),
    ("C17", "a sender whose clock is wrong", Carried::By(&["b12_c17_an_event_time_that_cannot_be_is_replaced_by_our_own", "c17_late_and_early_signals_are_told_as_what_they_are"])),
    ("C19", "two clocks and one lease", Carried::By(&["c19_many_checkpoints_at_once_never_fork", "c02_c05_c19_d01_any_interleaving_of_writers_yields_one_unbroken_chain"])),
    ("C20", "a clock that jumps", Carried::By(&["a09_a18_c20_a_signed_time_is_good_for_five_minutes_both_ways_and_no_second_longer"])),
    ("C21", "an event that is delivered twice", Carried::By(&["c12_c21_a_batch_that_comes_again_changes_nothing", "c21_an_alarm_is_the_same_problem_whichever_way_it_comes"])),
    ("D01", "a condition that does not hold", Carried::By(&["c02_c05_c19_d01_any_interleaving_of_writers_yields_one_unbroken_chain", "d01_d02_k04_sixty_four_writers_over_fifty_incidents_make_one_chain_each"])),
    ("D02", "a transaction that was cancelled", Carried::By(&["d01_d02_k04_sixty_four_writers_over_fifty_incidents_make_one_chain_each"])),
    ("D03", "a table that has enough", Carried::By(&["d03_d04_d10_f23_g04_g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same", "d03_whoever_has_enough_of_us_is_told_from_whoever_says_no"])),
    ("D04", "an answer that is lost after the write", Carried::By(&["d03_d04_d10_f23_g04_g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same"])),
    ("D05", "an item that is too large", Carried::By(&["b11_d05_a_hostile_alert_is_cut_to_what_an_incident_can_hold", "d05_a_full_ledger_takes_nothing_more_but_what_makes_room"])),
    ("D06", "a batch that is done in part", Carried::By(&["d06_d07_what_a_batch_leaves_over_and_what_follows_on_the_next_page_is_not_forgotten"])),
    ("D07", "more than one page", Carried::By(&["d06_d07_what_a_batch_leaves_over_and_what_follows_on_the_next_page_is_not_forgotten"])),
    ("D08", "an index that is behind", Carried::By(&["d08_i14_five_hundred_incidents_are_answered_at_once_and_each_has_its_own_result"])),
    ("D09", "one noisy tenant", Carried::Elsewhere("An installation is one tenant. Problems have keys of their own and are merged side by side, in ten_duplicates_in_a_batch_are_one_incident_one_read_and_one_transaction.")),
    ("D10", "a connection that was closed", Carried::By(&["d03_d04_d10_f23_g04_g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same"])),
    ("D11", "a table that is not there", Carried::By(&["d11_e02_a_table_in_trouble_gives_the_messages_back", "a15_d11_when_we_cannot_do_our_part_the_sender_is_asked_to_come_back"])),
    ("D12", "a table from an earlier day", Carried::By(&["d12_tables_from_an_earlier_time_are_told_by_their_streams_and_alerts_go_on", "d12_a_record_in_the_place_of_one_that_is_covered_is_told_and_covers_nothing"])),
    ("E01", "one poisoned message in ten", Carried::By(&["e01_e02_one_message_that_cannot_be_read_fails_alone_and_is_kept"])),
    ("E02", "an answer to a batch that SQS cannot read", Carried::By(&["e01_e02_one_message_that_cannot_be_read_fails_alone_and_is_kept", "d11_e02_a_table_in_trouble_gives_the_messages_back"])),
    ("E03", "a panic", Carried::By(&["e03_a_panic_unwinds_so_that_the_runtime_answers_for_it"])),
    ("E04", "killed in the middle of a batch", Carried::By(&["e04_g01_g02_dedup_broken_at_any_call_opens_one_incident_and_starts_one_execution"])),
    ("E05", "a visibility that is too short", Carried::By(&["e05_a_batch_is_not_handed_out_again_while_it_is_at_work_and_fails_one_by_one"])),
    ("E06", "a message that is too large", Carried::By(&["e06_a_call_holds_at_most_ten_messages_and_a_megabyte"])),
    ("E07", "a batch that was sent in part", Carried::By(&["e07_what_a_queue_did_not_take_is_not_answered_as_taken"])),
    ("E09", "a redrive too early", Carried::By(&["e09_a_redrive_does_what_can_be_done_by_cause_and_number_and_a_dry_run_does_nothing", "e09_a_redrive_that_is_broken_at_any_call_loses_no_letter"])),
    ("E10", "dead letters that live too short", Carried::By(&["e10_every_queue_has_a_dead_letter_queue_that_outlives_it"])),
    ("E11", "what a dead letter says", Carried::By(&["e11_each_letter_says_why_it_is_there_and_nothing_of_what_a_sender_said", "e11_each_letter_says_how_often_it_was_tried_and_where_to_look_for_that", "e11_a_buried_message_keeps_its_trace"])),
    ("E13", "sources without a dead-letter queue", Carried::By(&["e13_what_an_asynchronous_source_cannot_deliver_is_kept"])),
    ("E14", "no concurrency is left", Carried::Elsewhere("Nothing here limits concurrency, and the emulator queues nothing. The queue keeps what waits, in g10_ten_minutes_without_a_service_lose_nothing; an alarm says so.")),
    ("E15", "a switch that stops everything", Carried::Elsewhere("It is a setting of AWS's: without concurrency API Gateway answers 503 and queues keep what they have; see G10.")),
    ("E16", "work after the answer", Carried::By(&["e16_nothing_goes_on_after_an_answer"])),
    ("E17", "a start that fails", Carried::By(&["e17_a_function_that_is_set_up_wrongly_says_so_in_one_line_and_does_not_start"])),
    ("E18", "messages and records of an older version", Carried::By(&["e18_f16_what_an_earlier_version_left_in_the_middle_comes_to_its_end_with_this_one", "e18_what_a_later_version_adds_to_rows_messages_and_tasks_changes_nothing", "e18_a_record_with_fields_of_a_later_version_says_the_same", "e18_a_policy_of_a_later_version_rules_as_far_as_it_is_known", "e18_a_dead_letter_of_every_version_is_read_and_done_again", "e18_every_record_is_written_back_as_the_same_bytes", "e18_an_incident_of_every_version_folds_to_an_end"])),
    ("E19", "order within a standard queue", Carried::By(&["c10_e19_in_any_order_and_any_batches_the_fingerprint_ends_the_same"])),
    ("F01", "a name that runs", Carried::By(&["f01_f02_a_name_that_was_taken_before_is_known_however_it_is_answered"])),
    ("F02", "a name that is over", Carried::By(&["f01_f02_a_name_that_was_taken_before_is_known_however_it_is_answered"])),
    ("F03", "a name with another input", Carried::Elsewhere("The input follows from the name: an incident's id, or the cause of one more look.")),
    ("F04", "a name that is free again", Carried::Elsewhere("The name has the incident's number, and a number never comes back, in c07_c13_what_signals_do_one_after_the_other.")),
    ("F05", "no name", Carried::Elsewhere("`Machine::start` takes a name, and nothing else starts an execution; the one that the schedule starts is named by the Scheduler's event.")),
    ("F06", "names that AWS takes", Carried::By(&["f06_every_name_is_one_that_step_functions_takes"])),
    ("F07", "an Express name that comes again", Carried::By(&["f07_no_machine_may_run_twice_under_one_name"])),
    ("F08", "state that is too large", Carried::Elsewhere("Executions carry ids and decisions alone, in the_same_look_has_the_same_cause_and_the_next_one_another; an alarm on failed executions is in the template.")),
    ("F09", "a history that is full", Carried::By(&["f09_an_execution_ends_long_before_its_history_is_full"])),
    ("F10", "tasks that hang or fail", Carried::By(&["f10_every_task_gives_up_in_time_tries_again_and_goes_on_when_all_fails", "f10_what_is_tried_again_is_exactly_what_may_succeed_later"])),
    ("F11", "a callback that never comes", Carried::Elsewhere("No task waits for a callback: an answer is a record, and executions come back by the clock.")),
    ("F13", "a click before its token", Carried::Elsewhere("There are no task tokens; a page's intent is in the log before it leaves, in f15_g03_page_broken_at_any_call_still_pages_and_at_most_twice.")),
    ("F14", "a token where it does not belong", Carried::Elsewhere("There are no task tokens; see L02 for the links.")),
    ("F15", "a function that dies while a machine waits", Carried::By(&["f15_g03_page_broken_at_any_call_still_pages_and_at_most_twice"])),
    ("F16", "a deploy while executions wait", Carried::By(&["e18_f16_what_an_earlier_version_left_in_the_middle_comes_to_its_end_with_this_one", "f16_executions_of_this_version_come_to_the_same_end_with_the_functions_before_it"])),
    ("F17", "an execution that somebody stopped", Carried::By(&["f17_an_execution_that_was_aborted_is_replaced_under_a_name_that_was_not_used"])),
    ("F18", "an execution that is taken up again", Carried::By(&["f18_an_incident_is_enriched_routed_and_paged_and_every_step_runs_twice_with_one_effect"])),
    ("F19", "an answer without what is asked of it", Carried::By(&["f19_an_answer_that_lacks_something_means_page_and_soon"])),
    ("F20", "one part that fails", Carried::By(&["f20_what_cannot_be_exported_is_refused_and_a_failure_is_told_and_tried_again"])),
    ("F21", "retries that multiply", Carried::By(&["f21_a_contact_that_is_busy_is_tried_three_times_before_the_next", "f21_a_look_that_comes_again_changes_nothing"])),
    ("F22", "a state that nobody reaches", Carried::By(&["f22_every_state_can_be_reached_and_every_way_leads_to_a_state"])),
    ("F23", "a start that is throttled", Carried::By(&["d03_d04_d10_f23_g04_g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same"])),
    ("G01", "dead before the start", Carried::By(&["g01_an_incident_whose_execution_was_never_started_gets_it_and_only_one_from_any_number_of_sweeps", "e04_g01_g02_dedup_broken_at_any_call_opens_one_incident_and_starts_one_execution"])),
    ("G02", "dead after the start", Carried::By(&["e04_g01_g02_dedup_broken_at_any_call_opens_one_incident_and_starts_one_execution"])),
    ("G03", "dead after a page left", Carried::By(&["f15_g03_page_broken_at_any_call_still_pages_and_at_most_twice"])),
    ("G04", "dead between state and log", Carried::By(&["d03_d04_d10_f23_g04_g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same"])),
    ("G05", "a message that stays on its way", Carried::By(&["g05_a_message_whose_sender_died_is_sent_again_when_it_counts_as_lost"])),
    ("G06", "no sweep", Carried::By(&["g06_the_heartbeat_is_heard_only_while_all_is_well"])),
    ("G07", "killed at every call", Carried::By(&["d03_d04_d10_f23_g04_g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same"])),
    ("G08", "every answer lost", Carried::By(&["d03_d04_d10_f23_g04_g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same"])),
    ("G09", "every call throttled", Carried::By(&["d03_d04_d10_f23_g04_g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same"])),
    ("G10", "ten minutes without a service", Carried::By(&["g10_ten_minutes_without_a_service_lose_nothing", "g10_j05_ten_minutes_without_a_channel_lose_nothing", "g10_k08_ten_minutes_without_kms_or_s3_leave_a_whole_log_and_a_late_checkpoint"])),
    ("H01", "a hand-off at a time that is not", Carried::By(&["h01_h03_h05_to_h06_whoever_is_on_call_is_who_the_wall_clock_says", "h01_h02_a_window_at_a_change_of_the_clock_has_no_hole_and_no_double"])),
    ("H02", "a hand-off at a time that is twice", Carried::By(&["h01_h02_a_window_at_a_change_of_the_clock_has_no_hole_and_no_double"])),
    ("H03", "a shift through a change of the clock", Carried::By(&["h01_h03_h05_to_h06_whoever_is_on_call_is_who_the_wall_clock_says"])),
    ("H05", "daily and every seven hours", Carried::By(&["h01_h03_h05_to_h06_whoever_is_on_call_is_who_the_wall_clock_says", "h05_a_shift_is_written_one_way_and_read_in_several"])),
    ("H06", "leap days and the ends of months and years", Carried::By(&["h01_h03_h05_to_h06_whoever_is_on_call_is_who_the_wall_clock_says"])),
    ("H07", "a zone that is unknown", Carried::By(&["h07_a_step_names_the_time_zone_database_it_was_begun_by_and_an_older_log_without_one_is_read", "h07_every_mistake_has_its_place_its_reason_and_its_fix"])),
    ("H08", "a rotation of nobody", Carried::By(&["h08_h09_h10_when_nobody_at_all_is_found_the_catch_all_is_told_at_once"])),
    ("H09", "everybody is away", Carried::By(&["h08_h09_h10_when_nobody_at_all_is_found_the_catch_all_is_told_at_once"])),
    ("H10", "somebody without a contact", Carried::By(&["h08_h09_h10_when_nobody_at_all_is_found_the_catch_all_is_told_at_once"])),
    ("H12", "an override of somebody who left", Carried::By(&["h12_an_override_of_somebody_unknown_or_away_does_not_count"])),
    ("H13", "an override of another schedule", Carried::By(&["h13_an_override_is_for_one_schedule"])),
    ("H14", "who is on call, asked twice", Carried::By(&["h14_whoever_the_api_says_is_on_call_is_who_is_paged"])),
    ("H15", "a schedule that changes in mid-turn", Carried::By(&["h15_a_schedule_that_changes_in_the_middle_of_a_turn_counts_from_the_next_question_on"])),
    ("H16", "a gap ahead", Carried::By(&["h16_a_gap_is_told_from_a_week_ahead_until_it_begins"])),
    ("H17", "restrictions", Carried::By(&["h17_a_window_never_moves_a_hand_off"])),
    ("H18", "one member, a thousand, none yet", Carried::By(&["h18_nobody_is_on_call_before_the_start_in_an_empty_rotation_or_in_no_zone", "h18_a_thousand_members_take_turns_like_two"])),
    ("H19", "a hostile calendar", Carried::By(&["h19_whatever_a_calendar_says_is_taken_or_left_out_and_never_without_bounds"])),
    ("H20", "a Scheduler that skips or repeats", Carried::Elsewhere("Hand-offs are worked out when they are asked for (H01), and a sweep that comes twice or late changes nothing: every_silence_has_its_turn_however_many_end_at_once.")),
    ("I01", "an acknowledgement and a step at once", Carried::By(&["c05_i01_i07_i08_whatever_races_nobody_is_paged_for_what_is_taken_on_and_nothing_is_forgotten", "i01_every_order_of_answers_steps_and_sweeps_keeps_every_promise"])),
    ("I02", "an acknowledgement after the end", Carried::By(&["i02_nothing_is_put_off_or_given_away_once_it_is_over"])),
    ("I03", "a link that a scanner opens", Carried::By(&["i03_i05_a_link_changes_nothing_when_it_is_opened_and_acknowledges_when_it_is_confirmed"])),
    ("I05", "a link that was forwarded", Carried::By(&["i03_i05_a_link_changes_nothing_when_it_is_opened_and_acknowledges_when_it_is_confirmed", "i05_l02_a_link_that_we_did_not_make_leads_nowhere"])),
    ("I06", "two who acknowledge", Carried::By(&["i06_an_acknowledgement_stops_the_paging_and_a_second_person_is_told_who_was_first"])),
    ("I07", "messages that wait after an answer", Carried::By(&["i07_an_answer_calls_off_what_waits_and_nothing_else"])),
    ("I08", "an acknowledgement that ends", Carried::By(&["i08_an_acknowledgement_that_is_taken_back_pages_again_from_the_first_step"])),
    ("I09", "an escalation without end", Carried::By(&["i09_whatever_comes_of_the_messages_it_ends_and_somebody_was_told"])),
    ("I10", "a policy that changes in between", Carried::By(&["i10_whoever_is_paged_next_is_who_the_policy_said_when_it_was_routed"])),
    ("I12", "a click of a stranger", Carried::By(&["c11_i12_a_button_acknowledges_once_and_the_message_shows_it"])),
    ("I13", "maintenance that begins or ends in between", Carried::By(&["i13_a_silence_that_begins_later_stops_further_steps_and_only_while_it_lasts"])),
    ("I14", "five hundred at once", Carried::By(&["d08_i14_five_hundred_incidents_are_answered_at_once_and_each_has_its_own_result"])),
    ("I15", "a reply with an old code", Carried::By(&["a_reply_acknowledges_and_i15_a_stale_or_foreign_code_is_explained_and_changes_nothing"])),
    ("J01", "a provider in trouble", Carried::By(&["j01_j02_j05_what_may_pass_is_tried_again_by_every_channel_when_the_provider_says"])),
    ("J02", "a provider that asks for time", Carried::By(&["j01_j02_j05_what_may_pass_is_tried_again_by_every_channel_when_the_provider_says"])),
    ("J03", "a refusal for good", Carried::By(&["j03_j11_what_a_provider_refuses_for_good_is_rejected_by_every_channel"])),
    ("J04", "accepted and never delivered", Carried::By(&["j04_what_did_not_arrive_is_followed_by_the_next_contact_at_once_and_a_key_answers_the_call"])),
    ("J05", "a provider that is gone", Carried::By(&["j04_j05_what_did_not_arrive_has_failed_for_good_even_if_it_is_accepted_later", "g10_j05_ten_minutes_without_a_channel_lose_nothing"])),
    ("J06", "a slow provider", Carried::By(&["j06_j10_whoever_stops_talking_is_given_up"])),
    ("J07", "addresses that lead inside", Carried::By(&["j07_a_url_that_could_lead_inside_is_refused_as_it_is_written", "j07_a_name_that_leads_inside_is_refused_when_it_is_looked_up"])),
    ("J09", "a redirect", Carried::By(&["j09_a_redirect_is_an_answer_and_is_not_followed"])),
    ("J10", "an endless answer", Carried::By(&["j10_an_endless_answer_is_cut", "j06_j10_whoever_stops_talking_is_given_up"])),
    ("J11", "an address that is gone", Carried::By(&["j03_j11_what_a_provider_refuses_for_good_is_rejected_by_every_channel"])),
    ("J12", "a storm", Carried::By(&["j12_in_a_storm_the_first_of_each_service_goes_before_repeats_and_the_rest_is_bundled", "j12_a_thousand_alerts_are_one_page_that_lists_the_newest"])),
    ("J13", "an address that is a secret", Carried::By(&["j13_no_outcome_tells_the_url", "j13_no_error_tells_the_path_of_a_url"])),
    ("J14", "a message that is too long", Carried::By(&["j14_a_text_is_short_and_its_code_and_link_are_whole", "j14_the_longest_incident_stays_within_slacks_limits"])),
    ("J15", "an end that overtakes its beginning", Carried::By(&["j15_what_is_over_says_so_first"])),
    ("J16", "our own alarms", Carried::Elsewhere("Alarms go to a topic of SNS that nothing of Watchkeeper reads or sends: no code of ours is on the way, and no loop.")),
    ("K01", "one byte", Carried::By(&["k01_k02_records_changed_under_a_new_manifest_are_caught_and_the_record_is_named"])),
    ("K02", "records that are gone", Carried::By(&["k01_k02_records_changed_under_a_new_manifest_are_caught_and_the_record_is_named"])),
    ("K04", "many writers", Carried::By(&["d01_d02_k04_sixty_four_writers_over_fifty_incidents_make_one_chain_each"])),
    ("K06", "what the hash covers", Carried::By(&["k06_heads_and_checkpoints_changed_under_a_new_manifest_are_caught_and_named", "k06_a_flipped_dropped_swapped_or_renamed_record_is_named"])),
    ("K07", "a chain that is rewritten throughout", Carried::By(&["k07_a_stream_that_somebody_rewrites_in_both_tables_contradicts_the_checkpoint"])),
    ("K08", "no signature", Carried::By(&["k08_l11_without_kms_records_go_on_and_no_checkpoint_is_made_until_it_is_back"])),
    ("K09", "a key that was retired", Carried::By(&["k09_checkpoints_of_a_key_that_was_retired_still_verify_by_its_id"])),
    ("K10", "a time without checkpoints", Carried::By(&["k10_a_time_without_checkpoints_is_written_down"])),
    ("K11", "an export amid writes", Carried::By(&["k11_k16_a_bundle_has_exactly_the_records_that_its_checkpoints_cover"])),
    ("K12", "nothing to export", Carried::By(&["k12_an_export_of_nothing_is_a_bundle_that_says_so"])),
    ("K13", "very much to export", Carried::By(&["k13_parts_are_small_and_a_stream_is_never_in_two"])),
    ("K14", "dead in the middle of an export", Carried::By(&["k14_broken_at_any_call_there_is_no_manifest_and_the_next_try_comes_to_the_same_bytes"])),
    ("K15", "one export twice", Carried::By(&["k15_the_same_request_is_one_export_and_made_anew_it_has_the_same_bytes"])),
    ("K16", "an upload without a checksum", Carried::By(&["k11_k16_a_bundle_has_exactly_the_records_that_its_checkpoints_cover", "k16_every_stream_can_be_verified_from_the_archive_and_the_checkpoints_alone"])),
    ("K17", "a bucket without a lock", Carried::By(&["k17_a_bucket_that_locks_nothing_gets_no_export", "k17_without_a_locked_bucket_no_checkpoint_is_made"])),
    ("K20", "every column", Carried::By(&["k20_k22_every_column_of_an_incident_is_what_its_records_say"])),
    ("K21", "erasure", Carried::By(&["k21_what_was_written_about_somebody_is_read_until_it_is_erased_and_the_chain_verifies_before_and_after"])),
    ("K22", "times in UTC", Carried::By(&["k20_k22_every_column_of_an_incident_is_what_its_records_say", "k22_a_calendar_has_every_shift_in_utc_through_a_change_of_the_clock"])),
    ("K23", "an auditor who is offline", Carried::By(&["k23_evidence_of_version_1_verifies_for_ever_and_is_told_in_plain_words", "k23_a_second_verifier_finds_the_same_bundles_sound_and_the_same_ones_not"])),
    ("K24", "another tenant's rows", Carried::Elsewhere("An installation is one tenant. What a selection leaves out is left out, in a_selection_of_classes_leaves_out_the_records_of_all_others_and_names_them.")),
    ("L01", "another tenant", Carried::Elsewhere("An installation is one tenant: its tables, keys and tokens are its own, and nothing is looked up by a name from a body.")),
    ("L02", "an id that is guessed", Carried::By(&["i05_l02_a_link_that_we_did_not_make_leads_nowhere", "l02_without_a_token_nobody_answers_and_nobody_reads"])),
    ("L03", "wildcards and shared roles", Carried::By(&["l03_nobody_may_do_more_than_is_named"])),
    ("L04", "rights enforced", Carried::By(&["l04_everything_outside_its_job_is_denied_to_every_function", "l04_no_function_is_granted_what_it_never_calls", "l04_no_function_can_change_or_remove_a_record"])),
    ("L05", "a secret that is written out", Carried::By(&["l05_a_secret_that_was_written_out_is_never_repeated", "l05_a_secret_is_never_printed"])),
    ("L06", "a canary", Carried::By(&["b14_l06_what_is_refused_is_counted_and_no_secret_is_ever_written_down"])),
    ("L07", "what errors tell", Carried::By(&["l07_an_event_that_cannot_be_read_is_never_quoted", "l07_a_mistake_is_told_by_its_place_and_never_by_its_value"])),
    ("L08", "rules that cannot be worked out", Carried::By(&["l08_when_routing_itself_fails_the_catch_all_is_paged", "l08_an_incident_that_was_never_routed_pages_the_catch_all"])),
    ("L09", "a rule that costs too much", Carried::By(&["l09_the_deepest_condition_that_fits_does_not_exhaust_the_stack", "l09_a_pattern_of_stars_does_not_take_forever"])),
    ("L11", "a key that is disabled", Carried::By(&["k08_l11_without_kms_or_s3_there_is_no_bundle_and_nothing_that_looks_like_one", "k08_l11_without_kms_records_go_on_and_no_checkpoint_is_made_until_it_is_back"])),
    ("L12", "one tenant uses everything up", Carried::Elsewhere("An installation is one tenant; what storms do to others' pages is in J12.")),
    ("L13", "a dependency that is bad", Carried::By(&["l13_what_does_not_come_from_crates_io_or_under_another_licence_is_refused", "l13_what_became_known_of_a_dependency_is_told_and_one_advisory_once", "l13_nothing_known_is_said_so_and_nobody_who_answers_is_not_the_same", "l13_the_bill_of_materials_names_what_is_in_the_functions_and_is_the_same_each_time"])),
    ("L14", "one source, two builds", Carried::Elsewhere("Two builds for release from nothing are too long for a test: `make twice` makes them of one function in two folders and compares. That what is written beside them is the same is in l13_the_bill_of_materials_names_what_is_in_the_functions_and_is_the_same_each_time.")),
];

/// The names of all tests of all sources that `cargo test` runs, or `make check` on the local cloud.
fn names() -> BTreeSet<String> {
    fn walk(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                walk(&entry, names);
            } else if entry.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(entry).unwrap();
                let mut marked = false;
                for line in text.lines().map(str::trim) {
                    match line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split_once('(')) {
                        Some((name, _)) if marked => {
                            names.insert(name.to_owned());
                            marked = false;
                        }
                        _ => {
                            let begins = line == "#[test]" || line == "#[tokio::test]";
                            marked = begins || (marked && line.starts_with('#'));
                        }
                    }
                }
            }
        }
    }
    let mut names = BTreeSet::new();
    for folder in ["src", "tests", "domain/src", "domain/tests", "cli/src", "cli/tests"] {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut names);
    }
    names
}

#[test]
fn every_case_of_the_list_is_carried_once_and_by_tests_that_are_there() {
    let listed =
        LIST.iter().flat_map(|(group, numbers)| numbers.iter().map(move |number| format!("{group}{number:02}")));
    let carried: Vec<String> = CASES.iter().map(|(id, ..)| (*id).to_owned()).collect();
    assert_eq!(carried, listed.collect::<Vec<_>>());
    let names = names();
    let mut counts = [0; 3];
    for (id, what, carried) in CASES {
        match carried {
            Carried::By(tests) => {
                assert!(!tests.is_empty(), "{id}");
                let lost: Vec<_> = tests.iter().filter(|test| !names.contains(**test)).collect();
                assert!(lost.is_empty(), "{id}: no such test: {lost:?}");
                let part = id.to_lowercase();
                let unnamed: Vec<_> = tests.iter().filter(|test| !test.split('_').any(|word| word == part)).collect();
                assert!(unnamed.is_empty(), "{id}: not in the names of {unnamed:?}");
                counts[0] += 1;
            }
            Carried::Elsewhere(why) => {
                assert!(why.ends_with('.'), "{id}");
                let quoted = why.split([' ', ',', ';', '.', ':']).filter(|word| word.matches('_').count() > 2);
                let lost: Vec<_> = quoted.filter(|test| !names.contains(*test)).collect();
                assert!(lost.is_empty(), "{id}: no such test: {lost:?}");
                counts[1] += 1;
            }
            Carried::NotYet(missing) => {
                eprintln!("{id}, {what}: {missing}");
                counts[2] += 1;
            }
        }
    }
    eprintln!("{} cases: {} tested here, {} stood in for, {} not yet", CASES.len(), counts[0], counts[1], counts[2]);
}
