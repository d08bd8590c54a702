"""The patches fit the checkout as it stands, and name tests that exist: cheap enough to be asked every time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.mutants.mutant import NODE, BadPatch, read_mutant, read_mutants
from tests.mutants.workshop import ROOT, apply_patch, copy_checkout, read_report

NAMED = [
    "ack_before_commit",
    "no_unique_seen",
    "no_unique_conversation",
    "no_fence",
    "publish_before_commit",
    "capacity_read_then_write",
    "serial_sequence",
    "process_clock_accept",
    "process_clock_sweep",
    "signature_not_checked",
    "dedupe_in_memory",
    "receipts_backwards",
    "unknown_resent",
    "snapshot_before_subscribe",
    "replies_unordered",
    "decline_not_excluded",
    "slow_client_kept",
    "merge_not_seen",
    "merge_not_seen_in_a_batch",
    "edit_revision_ignored",
    "shared_handle_given_away",
    "claim_links",
    "placeholder_links",
    "role_address_links",
    "section_without_event",
    "prefetched_before_merge",
    "audit_not_written",
    "idempotency_key_ignored",
    "if_match_ignored",
    "agent_defines_fields",
    "card_lease_ignored",
    "breaker_never_opens",
    "merged_found_twice",
    "national_form_not_folded",
    "suggested_though_never_linked",
    "seen_not_the_frame",
]


def test_every_bug_that_was_promised_is_planted() -> None:
    assert set(NAMED) <= {mutant.name for mutant in read_mutants([])}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no git checkout")
def test_every_patch_applies_and_names_a_test_that_exists(tmp_path: Path) -> None:
    assert shutil.which("git"), "git is needed to copy the checkout and to apply the patches"
    copy_checkout(tmp_path)
    wrong = {}
    for mutant in read_mutants([]):
        misfit = apply_patch(mutant.patch, tmp_path, check=True)
        if misfit:
            wrong[mutant.name] = misfit
        for node in mutant.tests:
            named = NODE.fullmatch(node)
            assert named is not None
            if f"def {named['name']}(" not in (tmp_path / named["file"]).read_text():
                wrong[mutant.name] = f"no test {named['name']}"
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# breaks: it\n# invariant: INV1\n", "test"),
        ("# test: tests/x.py::test_y\n# invariant: INV1\n", "breaks"),
        ("# breaks: it\n# invariant: INV1\n# test: x\n", "'x'"),
        ("# tests: it\n", "no header"),
    ],
)
def test_a_patch_without_its_header_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    patch = tmp_path / "some.patch"
    patch.write_text(text)
    with pytest.raises(BadPatch, match=complaint):
        read_mutant(patch)


@pytest.mark.parametrize(
    ("inside", "outcome"),
    [
        ("", "passed"),
        ('<failure message="AssertionError: assert 1 == 2"/>', "failed"),
        ('<failure message="assert 1 == 2"/>', "failed"),
        ('<failure message="Failed: DID NOT RAISE ValueError"/>', "failed"),
        ('<failure message="TimeoutError"/>', "broken"),
        ('<failure message="Failed: Timeout (&gt;120.0s) from pytest-timeout."/>', "broken"),
        ('<error message="failed on setup with &quot;AssertionError&quot;"/>', "broken"),
        ("<skipped/>", "broken"),
    ],
)
def test_only_a_failed_assertion_counts_as_caught(tmp_path: Path, inside: str, outcome: str) -> None:
    result = tmp_path / "result.xml"
    result.write_text(f"<testsuites><testsuite><testcase>{inside}</testcase></testsuite></testsuites>")
    assert read_report(result).outcome == outcome
