"""The suite every provider is held to, for a package of your own too: `pip install 'screenpop[testing]'`.

- `harness`  what a provider hands over: `HarnessBase`, `Body`
- `cases`    what its webhooks must withstand, on `verify` and `parse` themselves: `WebhookSecurityCases`
- `fuzz`     fixtures made wrong, chosen by hypothesis: `fuzz`, `Tally`; `mutate` makes them wrong

In a test of the package, beside a class `Harness(HarnessBase)`:

    @pytest.fixture
    def harness() -> HarnessBase:
        return Harness()

    class TestPigeonPost(WebhookSecurityCases): ...

    def test_mutated_fixtures_raise_only_parse_error(harness: HarnessBase) -> None:
        assert fuzz(harness, seconds=2.0, seed=1).share >= LEAST_READ

Nothing of the product imports this; it alone needs pytest and hypothesis.
"""

import pytest

pytest.register_assert_rewrite("adapters.testing.cases", "adapters.testing.fuzz")

from adapters.testing.cases import WebhookSecurityCases  # noqa: E402  # after its asserts are to be rewritten
from adapters.testing.fuzz import LEAST_READ, Tally, fuzz  # noqa: E402
from adapters.testing.harness import OTHER_SECRET, Becomes, Body, HarnessBase, without  # noqa: E402

__all__ = [
    "LEAST_READ",
    "OTHER_SECRET",
    "Becomes",
    "Body",
    "HarnessBase",
    "Tally",
    "WebhookSecurityCases",
    "fuzz",
    "without",
]
