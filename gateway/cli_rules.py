"""The commands `screenpop rules` and `screenpop explain`: rule sets as files, and why a contact went where it went."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from cyclopts import App, Parameter
from rich.console import Console

from gateway.cli_database import on_database, stop
from gateway.rest_body import MOST_BYTES
from gateway.rule_catalog import rule_catalog
from model.refusal import Refused
from profiles.audit import audit
from router.decisions import Explained, explain_decision
from router.explaining import ExplainedOffer
from router.rule_versions import Version, examine, examine_version, fetch_in_force, publish, roll_back
from router.rules.comparing import differences
from router.rules.deciding import Seen
from router.rules.fields import CUSTOM, EXTERNAL, FIELDS, POOL, POOL_FACTS
from router.rules.language import RuleError, RuleSet
from router.rules.linting import Checked, Finding
from router.rules.reading import Written, read_rules
from store.pool import Connection

rules = App(name="rules", help="Routing rules as YAML or JSON files: lint, test, diff, publish, roll back.")
OTHERS = (f"{CUSTOM}<key>", *(f"{POOL}<queue>.{name}" for name in POOL_FACTS), f"{EXTERNAL}<source>")
out = Console(highlight=False, markup=False, soft_wrap=True)
Result = TypeVar("Result")


def _transaction(work: Callable[[Connection], Awaitable[Result]]) -> Result:
    async def run(pool: Any) -> Result:
        async with pool.acquire() as connection, connection.transaction():
            return await work(connection)

    return on_database(run)


def _read(file: Path) -> Written:
    try:
        if file.stat().st_size > MOST_BYTES:
            stop(f"{file} is longer than {MOST_BYTES // 1024} KiB; leave rules out.")
        return read_rules(file.read_bytes(), "yaml" if file.suffix.lower() in (".yaml", ".yml") else "json")
    except OSError as error:
        stop(f"{file} cannot be read: {error.strerror}.")
    except RuleError as error:
        stop(f"{file} is no rule set. {error} `screenpop rules schema` prints what it has to be.")


def _check(written: Written) -> Checked:
    async def work(connection: Connection) -> Checked:
        return (await examine(written, await rule_catalog(connection))).checked

    return _transaction(work)


@rules.command(name="schema")
def print_schema() -> None:
    """Print the JSON Schema of a rule set, for editors."""
    schema = msgspec.json.schema(RuleSet)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$defs"]["Test"]["properties"]["field"]["examples"] = [*FIELDS, *OTHERS]
    sys.stdout.write(json.dumps(schema, indent=2) + "\n")


@rules.command(name="lint")
def lint_rules(file: Path) -> None:
    """Say what is wrong with a rule set, a line each. Exit code 1: it cannot be published."""
    findings = _check(_read(file)).findings
    for each in findings:
        out.print(_line_of(each))
    if any(each.severity == "error" for each in findings):
        sys.exit(1)


def _line_of(finding: Finding) -> str:
    line = f" (line {finding.line})" if finding.line else ""
    return f"{finding.severity} {finding.place}{line}: {finding.message}"


@rules.command(name="test")
def test_rules(file: Path) -> None:
    """Run the test cases of a rule set. Exit code 1: some fail, or an error of lint keeps them from being run."""
    checked = _check(_read(file))
    errors = [each for each in checked.findings if each.severity == "error"]
    for each in errors:
        out.print(_line_of(each))
    for case in checked.cases:
        out.print(f"passed {case.name}" if case.passed else f"FAILED {case.name}: {case.message}")
    if errors or not all(case.passed for case in checked.cases):
        sys.exit(1)


@rules.command(name="diff")
def diff_rules(file: Path) -> None:
    """Say what a rule set would change of the one in force, a line each."""
    after = _read(file).rule_set
    before = _transaction(fetch_in_force)
    if isinstance(before, Refused) and before.code != "not_found":
        stop(before.message)
    old = RuleSet(()) if isinstance(before, Refused) else RuleSet(before.rules, before.cases)
    for each in differences(old, after):
        parts = f" ({', '.join(each.parts)})" if each.parts else ""
        out.print(f"{each.change} {each.what} {each.name}{parts}")


@rules.command(name="publish")
def publish_rules(file: Path) -> None:
    """Put a rule set in force from the next contact on, if lint finds no error and all of its cases pass."""
    written = _read(file)

    async def work(connection: Connection) -> Version | Refused:
        return await publish(connection, await examine(written, await rule_catalog(connection)), None)

    _published(work, "rules_published")


@rules.command(name="rollback")
def roll_back_rules(version: Annotated[int, Parameter(help="From `GET /v1/rules/versions`.")]) -> None:
    """Put an earlier version in force once more, as a new version."""

    async def work(connection: Connection) -> Version | Refused:
        examined = await examine_version(connection, version, await rule_catalog(connection))
        return examined if isinstance(examined, Refused) else await roll_back(connection, version, examined, None)

    _published(work, "rules_rolled_back")


def _published(work: Callable[[Connection], Awaitable[Version | Refused]], action: str) -> None:
    async def audited(connection: Connection) -> Version | Refused:
        done = await work(connection)
        if isinstance(done, Version):
            await audit(connection, None, action, None, {"version": done.version, "by": "command"})
        return done

    done = _transaction(audited)
    if isinstance(done, Refused):
        stop(f"{done.field}: {done.message}" if done.field else done.message)
    out.print(f"version {done.version} is in force")


def explain(decision: UUID, *, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """Say why a contact went where it went.

    Parameters
    ----------
    decision
        The decision's id, from `GET /v1/decisions?contact=ID`.
    as_json
        As `GET /v1/decisions/{id}` answers it.
    """
    found = _transaction(lambda connection: explain_decision(connection, decision))
    if found is None:
        stop(f"there is no decision {decision}. `GET /v1/decisions?contact=ID` lists those of a contact.")
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return
    for line in _told(found):
        out.print(line)


def _told(found: Explained) -> list[str]:
    version = f"version {found.version}" if found.version else "no rules published"
    lines = [f"{found.at:%Y-%m-%d %H:%M:%S}  {version}: queue {found.queue}, priority {found.priority}"]
    for step in found.steps:
        lines.append(f"{'+' if step.held else '-'} {step.rule}")
        lines += [f"    {_seen(each)}" for each in step.because]
    if found.rule is None:
        lines.append(f"! {found.alert}" if found.alert else "- no rule held: the account's default queue")
    lines += [f"! {field} has been erased since" for field in found.gone]
    lines += [f"! {each}" for each in found.undone]
    lines += [] if found.agrees else ["! made again it comes out otherwise"]
    return lines + [line for offer in found.offers for line in _asked(offer)]


def _asked(offer: ExplainedOffer) -> list[str]:
    """An offer, and a table of every agent as of its moment."""
    to = next((each.name for each in offer.agents if each.agent == offer.agent), str(offer.agent))
    wide = max((len(each.name) for each in offer.agents), default=0)
    rows = [f"    {each.name:{wide}}  {each.reason:<13}  {each.detail}".rstrip() for each in offer.agents]
    return [f"offered to {to} at {offer.at:%Y-%m-%d %H:%M:%S}: {offer.outcome.replace('_', ' ')}", *rows]


def _seen(each: Seen) -> str:
    operator = each.test.operators[0]
    wanted = msgspec.json.encode(each.test.value(operator)).decode()
    saw = "not known" if each.value is None else msgspec.json.encode(each.value).decode()
    return f"{'holds' if each.held else 'fails'}: {each.field} {operator} {wanted}; it was {saw}"
