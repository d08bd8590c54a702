"""Ask a gateway everything its OpenAPI document allows, and much it does not, in every role.

What must hold: no answer of 5xx, none that the document does not have, every body as its schema says, and for every
operation an answer of 2xx to each role that may ask for it and 403 to each that may not.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from msgspec import Struct, field
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from model.agent import Role
from tests.contract.api_good import GOOD, Good, Maker
from tests.contract.api_world import ROLES, Asker, Ids, Tokens

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
AnyCase = Case[Any]
Failures = dict[tuple[str, ...], str]


class Report(Struct):
    """What came of it. `failures` say what was asked and answered, each kind once per operation."""

    operations: int = 0
    requests: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Fuzz:
    """One run over one gateway."""

    def __init__(self, url: str, tokens: Tokens, ids: Ids, seed: int) -> None:
        self._url = url
        self._seed = seed
        self._asker = Asker(url, tokens)
        self._maker = Maker(self._asker, ids)
        self._session = requests.Session()
        self._session.trust_env = False
        self._counts: Counter[int] = Counter()
        self._failures: Failures = {}
        self._known: dict[str, list[Good]] = {}
        self._schema = schemathesis.openapi.from_url(f"{url}/v1/openapi.json", config=_config())

    def close(self) -> None:
        """Let the connections go."""
        self._asker.client.close()
        self._session.close()

    def run(self, examples: int) -> Report:
        """First every operation as it should be asked, then each as it might be."""
        began = time.monotonic()
        operations = [_sound(result) for result in self._schema.get_all_operations()]
        labels = {operation.label for operation in operations}
        for label in sorted(labels ^ set(GOOD)):
            self._fail(label, "table", "the table of good requests and the document differ")
        operations = [operation for operation in operations if operation.label in GOOD]
        for operation in operations:
            self._ask_well(operation)
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE) if examples else ():
                self._ask_anything(operation, mode, examples)
        statuses = {str(status): count for status, count in sorted(self._counts.items())}
        return Report(
            len(operations), self._counts.total(), statuses, list(self._failures.values()), time.monotonic() - began
        )

    def _ask_well(self, operation: Any) -> None:
        roles = operation.definition.raw["x-roles"]
        known = self._known.setdefault(operation.label, [])
        for role in sorted(ROLES, key=roles.__contains__):
            # Only what is carried out uses up what it is about.
            if not known or (role in roles and operation.method != "get"):
                known.append(GOOD[operation.label](self._maker))
            good = known[-1]
            status = self._ask(_case(operation, good), role)
            if role in roles and not 200 <= status < 300:
                self._fail(operation.label, f"{role} is answered {status}", str(good))
            if role not in roles and status != HTTPStatus.FORBIDDEN:
                self._fail(operation.label, f"{role} is not forbidden but {status}", str(good))

    def _ask_anything(self, operation: Any, mode: GenerationMode, examples: int) -> None:
        roles = operation.definition.raw["x-roles"]
        cases = operation.as_strategy(generation_mode=mode)

        @hypothesis.seed(self._seed)
        @hypothesis.settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(data=st.data(), role=st.sampled_from(roles))
        def ask(data: st.DataObject, role: Role) -> None:
            case = data.draw(cases)
            known = data.draw(st.sampled_from(self._known[operation.label]))
            self._aim(case, known, data.draw)
            self._ask(case, role)

        try:
            ask()
        except Unsatisfiable:
            return  # there is no wrong request of a kind that takes nothing

    def _aim(self, case: AnyCase, known: Good, draw: Callable[[Any], Any]) -> None:
        """Mostly at something that is there: what is drawn at random is nobody's id."""
        if known.path and draw(st.integers(0, 3)):
            case.path_parameters = _path(known)
        if isinstance(case.body, dict) and isinstance(known.body, dict):
            for name, value in known.body.items():
                if name in case.body and _is_id(value) and draw(st.integers(0, 3)):
                    case.body[name] = value

    def _ask(self, case: AnyCase, role: Role) -> int:
        while True:
            headers = {"Authorization": f"Bearer {self._asker.token(role)}"}
            answer = case.call(self._url, self._session, headers, allow_redirects=False, timeout=30)
            self._counts[answer.status_code] += 1
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                break
            time.sleep(float(answer.headers["retry-after"][0]))
        label = case.operation.label
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._fail(label, str(answer.status_code), case.as_curl_command())
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._fail(
                    label, f"{answer.status_code} {type(failure).__name__}", f"{failure}\n{case.as_curl_command()}"
                )
        return answer.status_code

    def _fail(self, label: str, what: str, evidence: str) -> None:
        self._failures.setdefault((label, what), f"{label}: {what}\n{re.sub('sp_[A-Za-z0-9_-]+', 'sp_…', evidence)}")


def _config() -> SchemathesisConfig:
    """Who asks is ours to say: with a wrong token nothing else would be tried."""
    return SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})


def _sound(result: Any) -> Any:
    """An operation of the document; raises what is wrong with it."""
    if hasattr(result, "err"):
        raise result.err()
    return result.ok()


def _case(operation: Any, good: Good) -> AnyCase:
    kind = "application/octet-stream" if isinstance(good.body, bytes) else "application/json"
    body = {} if good.body is None else {"body": good.body, "media_type": kind}
    case: AnyCase = operation.Case(path_parameters=_path(good), query=dict(good.query), **body)
    return case


def _path(good: Good) -> dict[str, str]:
    return {name: quote(str(value), safe="") for name, value in good.path.items()}


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def run(url: str, tokens: Tokens, ids: Ids, examples: int, seed: int) -> Report:
    """Ask the gateway at `url`, `examples` times right and wrong for each operation. Takes its time; blocks."""
    with closing(Fuzz(url, tokens, ids, seed)) as fuzz:
        return fuzz.run(examples)
