"""Tests that show a feature of routing, besides those that name it in their own words."""

from __future__ import annotations

from typing import Final

CHOOSING = "tests/store/test_choosing.py"
WAITING = "tests/store/test_waiting.py"
ROUTING = "tests/store/test_routing.py"
HOLDING = "tests/store/test_holding.py"
MACHINE = "tests/store/test_machine.py"
RANK = "tests/pure/test_rank.py"
PRESENCE = "tests/flow/test_presence.py"
AFTER = "tests/flow/test_after_work.py"
EFFECTS = "tests/flow/test_rules_effects.py"
SHOWN_BY: Final[dict[str, tuple[str, ...]]] = {
    "R3": (
        f"{CHOOSING}::test_what_requires_a_skill_waits_for_who_has_it_at_that_level",
        f"{CHOOSING}::test_preferred_skills_say_who_goes_first_and_leave_nobody_out",
        f"{WAITING}::test_who_waits_asks_for_less_step_by_step_then_elsewhere_and_keeps_their_age",
        f"{RANK}::test_who_has_more_of_the_preferred_skills_goes_first_and_the_others_are_not_left_out",
    ),
    "R4": (
        f"{CHOOSING}::test_a_contact_takes_as_many_slots_as_its_queue_says_also_when_it_waited_before",
        f"{CHOOSING}::test_a_limit_over_all_classes_holds_whatever_the_class_and_interruptible_work_is_beside_it",
        f"{CHOOSING}::test_a_limit_of_a_queue_leaves_room_for_others_and_hides_nobody",
        f"{ROUTING}::test_capacity_is_never_exceeded_and_the_rest_waits",
    ),
    "R5": (
        f"{ROUTING}::test_the_agent_longest_idle_is_asked_first",
        f"{CHOOSING}::test_the_least_loaded_is_asked_however_long_others_are_idle",
        f"{CHOOSING}::test_a_queue_that_goes_round_asks_each_in_turn_however_idle",
        f"{RANK}::test_lower_order_goes_first",
    ),
    "R6": (
        f"{WAITING}::test_who_is_asked_first_is_asked_alone_and_by_an_offer",
        f"{WAITING}::test_nobody_waits_for_one_who_is_away_nor_longer_than_the_rule_says_for_one_who_is_full",
        f"{EFFECTS}::test_a_rule_has_the_last_or_a_named_agent_asked_first",
    ),
    "R7": (
        f"{WAITING}::test_of_several_the_first_has_it_and_the_others_are_free_again",
        f"{WAITING}::test_of_two_who_accept_at_once_one_has_it",
        f"{PRESENCE}::test_a_decline_says_why_in_the_words_that_are_defined",
        f"{ROUTING}::test_a_decliner_is_passed_over_until_others_were_tried",
        f"{ROUTING}::test_a_timed_out_offer_returns_the_contact_with_its_age_and_sets_the_agent_away",
        f"{ROUTING}::test_auto_accept_gives_the_contact_at_once_and_takes_it_back_unless_it_is_shown",
    ),
    "R8": (
        f"{ROUTING}::test_waiting_work_is_offered_the_moment_an_agent_connects",
        f"{HOLDING}::test_finish_frees_the_slot_and_the_next_contact_is_offered",
    ),
    "R9": (
        f"{WAITING}::test_who_waits_asks_for_less_step_by_step_then_elsewhere_and_keeps_their_age",
        f"{WAITING}::test_rules_that_run_again_replace_the_plan_and_count_from_the_arrival",
        f"{EFFECTS}::test_rules_look_at_how_the_queues_stand",
        "tests/pure/test_rules_lint.py::test_opening_hours_are_read_to_the_end",
        "tests/pure/test_business_time.py::test_it_is_what_a_clock_on_the_wall_shows_minute_by_minute",
    ),
    "R10": (
        f"{PRESENCE}::test_agents_are_away_for_the_reasons_that_are_defined",
        f"{PRESENCE}::test_who_does_nothing_at_any_screen_is_away",
        f"{PRESENCE}::test_a_network_that_dies_silently_is_seen_by_pings",
        f"{HOLDING}::test_a_vanished_agent_loses_offers_after_ten_seconds_and_contacts_after_sixty",
        f"{AFTER}::test_the_queue_says_what_becomes_of_work_whose_agent_vanished",
    ),
    "R11": (
        f"{AFTER}::test_required_wrap_up_ends_with_a_disposition_and_with_nothing_else",
        f"{AFTER}::test_optional_wrap_up_is_for_the_agent_to_take",
        f"{HOLDING}::test_wrap_up_holds_the_slot_until_its_timer_and_a_message_brings_the_work_back",
    ),
    "R12": (
        "tests/flow/test_transfer.py::test_a_message_handed_to_an_agent_rings_there_alone_and_declined_comes_back",
        "tests/flow/test_transfer.py::test_a_message_goes_to_another_queue",
        f"{AFTER}::test_a_note_goes_with_what_is_handed_on",
        f"{PRESENCE}::test_the_next_is_what_waits_longest_of_what_the_agent_may_have",
        f"{PRESENCE}::test_the_last_that_waits_goes_to_one_of_two_who_ask",
    ),
}
