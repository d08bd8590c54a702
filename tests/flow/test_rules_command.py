"""`screenpop rules` and `screenpop explain` on a real database: files are linted, tested, compared, published."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gateway.cli_rules import lint_rules
from tests.flow.gateway_process import ROOT
from tests.store.company import Company, open_company

VIP = {"name": "VIP", "queue": "senior", "when": {"field": "tags", "has_any": ["vip"]}}
TEXT = {"name": "late", "queue": "senior", "when": {"field": "text", "contains": "late"}}
RULES = {"rules": [VIP, TEXT, {"name": "rest", "queue": "general"}]}
EXAMPLE = ROOT / "docs/how-to/routing-rules.json"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.value("insert into queue (id, name) values ('senior', 'Senior') returning id")
        await company.hire()
        yield company


async def command(database_url: str, *arguments: str) -> tuple[int, str, str]:
    """The command as an operator calls it: exit code, what it says, what it complains of."""
    environment = {**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT), "COLUMNS": "500"}
    line = [sys.executable, "-m", "gateway.cli", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, line, cwd=ROOT, env=environment, capture_output=True, check=False, text=True
    )
    return done.returncode, done.stdout, done.stderr


def written(folder: Path, rules: Any) -> str:
    file = folder / "rules.json"
    file.write_text(json.dumps(rules))
    return str(file)


async def test_a_file_is_checked_compared_published_and_rolled_back(
    company: Company, database_url: str, tmp_path: Path
) -> None:
    first = written(tmp_path, RULES)
    assert await command(database_url, "rules", "publish", first) == (0, "version 1 is in force\n", "")
    await company.text("+14155550100", "it is late")
    await company.drain()
    decision, queue = (await company.rows("select id, queue_id from decision"))[0]
    assert queue == "senior"
    code, told, _ = await command(database_url, "explain", str(decision))
    assert code == 0
    assert told.splitlines()[0].endswith("version 1: queue senior, priority 0")
    assert told.splitlines()[1:] == [
        "- VIP",
        '    fails: tags has_any ["vip"]; it was []',
        "+ late",
        '    holds: text contains "late"; it was "it is late"',
    ]
    changed = written(tmp_path, {"rules": [VIP | {"priority": 7}, RULES["rules"][2]]})
    code, told, _ = await command(database_url, "rules", "diff", changed)
    assert told.splitlines() == ["removed rule late", "changed rule VIP (priority)"]
    assert (await command(database_url, "rules", "publish", changed))[1] == "version 2 is in force\n"
    assert (await command(database_url, "rules", "rollback", "1"))[1] == "version 3 is in force\n"
    assert await company.value("select restores from rule_set where version = 3") == 1
    actions = await company.rows("select action from audit order by at")
    assert [row["action"] for row in actions] == ["rules_published", "rules_published", "rules_rolled_back"]


async def test_what_is_wrong_with_a_file_is_said_and_nothing_is_published(
    company: Company, database_url: str, tmp_path: Path
) -> None:
    wrong = written(tmp_path, {"rules": [VIP | {"queue": "seniors"}]})
    code, told, _ = await command(database_url, "rules", "lint", wrong)
    assert (code, told) == (1, "error rules[0].queue (line 1): There is no queue 'seniors'; did you mean 'senior'?\n")
    code, _, complaint = await command(database_url, "rules", "publish", wrong)
    assert code == 2
    assert "rules[0].queue: There is no queue 'seniors'" in complaint
    case = {"name": "gold", "given": {"plan": "gold"}, "queue": "senior"}
    failing = written(tmp_path, RULES | {"cases": [case]})
    code, told, _ = await command(database_url, "rules", "test", failing)
    assert (code, told) == (1, "FAILED gold: Expected queue 'senior', got 'general'.\n")
    assert (await command(database_url, "rules", "publish", failing))[0] == 2
    for arguments in (("publish", str(tmp_path / "none.json")), ("rollback", "9"), ("lint", written(tmp_path, []))):
        code, _, complaint = await command(database_url, "rules", *arguments)
        assert (code, complaint.startswith("screenpop: ")) == (2, True), (arguments, complaint)
    assert (await command(database_url, "explain", "01a217fc-769b-7b5f-8a7f-d401f06b732b"))[0] == 2
    assert await company.value("select count(*) from rule_set") == 0


async def test_a_yaml_file_is_checked_by_line_and_published_with_its_comments(
    company: Company, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  # everybody\n  - name: all\n    queue: nowhere\n")
    code, told, _ = await command(database_url, "rules", "lint", str(file))
    assert (code, told.startswith("error rules[0].queue (line 4): There is no queue 'nowhere'")) == (1, True)
    text = file.read_text().replace("nowhere", "senior")
    file.write_text(text)
    assert await command(database_url, "rules", "publish", str(file)) == (0, "version 1 is in force\n", "")
    assert await company.value("select source from rule_set") == text


def test_a_file_of_ten_megabytes_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    with file.open("wb") as large:
        large.truncate(10 << 20)
    with pytest.raises(SystemExit):
        lint_rules(file)
    assert "is longer than 256 KiB; leave rules out." in " ".join(capsys.readouterr().err.split())


async def test_rules_are_not_compared_with_a_version_that_cannot_be_read(
    company: Company, database_url: str, tmp_path: Path
) -> None:
    file = written(tmp_path, {"rules": [VIP]})
    assert await command(database_url, "rules", "diff", file) == (0, "added rule VIP\n", "")
    await company.value("""insert into rule_set (body) values ('{"rules": 5}') returning version""")
    code, told, complaint = await command(database_url, "rules", "diff", file)
    assert (code, told) == (2, "")
    assert complaint.startswith("screenpop: Version 1 cannot be read")


async def test_the_schema_takes_the_shipped_example_and_refuses_what_is_none(database_url: str) -> None:
    code, told, _ = await command(database_url, "rules", "schema")
    assert code == 0
    schema = jsonschema_rs.validator_for(json.loads(told))
    schema.validate(json.loads(EXAMPLE.read_text()))
    assert not schema.is_valid({"rules": [VIP | {"queues": "senior"}]})
