"""The recipe's provider, taken from the document word for word, under the cases every provider is held to."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from adapters import registry
from adapters.testing.cases import WebhookSecurityCases
from adapters.testing.fuzz import LEAST_READ, fuzz
from tests.contract.channels.harness import HarnessBase

RECIPE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "add-a-provider.md"
ADAPTER, HARNESS = "adapters.sms.pigeon", "tests.adapters.sms.pigeon_requests"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HarnessBase]:
    """Everything the recipe says to write, and the line in the registry."""
    blocks = _BLOCK.findall(RECIPE.read_text(encoding="utf-8"))
    code = {text.partition("\n")[0]: text for language, text in blocks if language == "python"}
    folder = tmp_path_factory.mktemp("recipe")
    (folder / "fixtures").mkdir()
    for number, text in enumerate(text for language, text in blocks if language == "json"):
        (folder / "fixtures" / f"pigeon_{number}.json").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._ADAPTERS, ("pigeon", "sms"), f"{ADAPTER}:Pigeon")
        for name in (ADAPTER, HARNESS):
            path = name.replace(".", "/") + ".py"
            module = ModuleType(name)
            module.__file__ = str(folder / Path(path).name)
            patch.setitem(sys.modules, name, module)
            exec(compile(code[f"# {path}"], path, "exec"), module.__dict__)  # noqa: S102  # our own document
        yield sys.modules[HARNESS].Harness()
    registry._loaded.pop(f"{ADAPTER}:Pigeon", None)


class TestTheRecipe(WebhookSecurityCases):
    """Pigeon Post."""


def test_mutated_fixtures_of_the_recipe_raise_only_parse_error(harness: HarnessBase) -> None:
    assert fuzz(harness, 1.0, 1).share >= LEAST_READ
