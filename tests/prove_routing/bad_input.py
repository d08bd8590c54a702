"""What may be wrong, and the tests that show the answer to it."""

from __future__ import annotations

from typing import Final

BAD_INPUT: Final[dict[str, tuple[str, ...]]] = {
    "an unknown field": (
        "tests/flow/test_rules.py::test_a_rule_that_cannot_work_is_not_published_and_says_why",
        "tests/pure/test_rules.py::test_an_unknown_field_operator_or_value_is_refused_with_its_place",
        "tests/pure/test_rules_yaml.py::test_what_lint_finds_has_the_line_it_stands_in",
    ),
    "an operator on a wrong type": (
        "tests/flow/test_rules.py::test_a_rule_that_cannot_work_is_not_published_and_says_why",
        "tests/pure/test_rules.py::test_a_test_that_cannot_be_made_is_refused_with_place_and_remedy",
        "tests/pure/test_rules_lint.py::test_a_planted_fault_is_found",
    ),
    "a pattern that RE2 refuses": (
        "tests/pure/test_rules.py::test_a_test_that_cannot_be_made_is_refused_with_place_and_remedy",
        "tests/pure/test_rules_lint.py::test_a_planted_fault_is_found",
    ),
    "a rule file of 10 MB": (
        "tests/flow/test_rules_command.py::test_a_file_of_ten_megabytes_is_not_read",
        "tests/flow/test_rules.py::test_too_many_rules_and_too_much_of_them_are_refused_by_name",
    ),
    "10,000 rules": (
        "tests/flow/test_rules_yaml.py::test_ten_thousand_rules_are_refused_by_name_while_others_are_answered",
    ),
    "overflow in a circle": ("tests/pure/test_rules_lint.py::test_a_planted_fault_is_found",),
    "a template with an unknown value": (
        "tests/pure/test_rules_templates.py::test_what_is_no_template_is_refused",
        "tests/flow/test_rules_effects.py::test_a_value_that_is_missing_keeps_the_sentence_from_being_sent_unless_it_has_a_default",
    ),
    "an accept after the timeout": (
        "tests/store/test_routing.py::test_an_accept_after_the_time_by_the_databases_clock_is_gone_and_changes_nothing",
        "tests/store/test_interleavings.py::test_accept_and_timeout_of_an_offer_whose_time_is_over",
    ),
    "a capacity lowered below what is held": (
        "tests/store/test_machine.py::test_a_capacity_lowered_under_what_is_held_stops_neither_other_work_nor_others",
        "tests/store/test_interleavings.py::test_an_offer_and_a_change_of_capacity",
    ),
    "an agent removed while holding": (
        "tests/flow/test_after_work.py::test_what_a_retired_agent_holds_goes_back_to_its_queue",
    ),
    "a queue removed while contacts wait": (
        "tests/flow/test_after_work.py::test_what_waits_in_a_retired_queue_goes_to_the_accounts_own_with_an_alert",
        "tests/store/test_waiting.py::test_a_step_to_a_queue_that_is_gone_is_passed_over_and_told",
    ),
    "a skill that nobody has, or is gone": (
        "tests/store/test_choosing.py::test_a_skill_that_is_not_there_strands_nobody",
    ),
}
