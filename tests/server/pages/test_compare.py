"""The promise: models are compared side by side, and picked without JavaScript."""

import httpx
import pytest

from tests.support.html import raw_values
from tests.support.pages import visible_text


async def test_models_are_compared_side_by_side(site: httpx.AsyncClient) -> None:
    page = await site.get("/compare?models=openai/gpt-4.1-mini&models=openai/gpt-4.1,openai/gpt-4.1-nano")
    text = visible_text(page)
    assert "Context window 1,047,576 tokens 1,047,576 tokens 1,047,576 tokens" in text
    assert "Input price per 1M tokens $0.40 $2.00 $0.10 (best)" in text
    differing = await site.get("/compare?models=openai/gpt-4.1-mini&models=openai/gpt-4.1&only=differences")
    assert "Context window 1,047,576" not in visible_text(differing)
    assert "Input price" in visible_text(differing)
    assert raw_values(page.text) == raw_values(differing.text) == []


@pytest.mark.parametrize(
    ("query_string", "status", "expected"),
    [
        ("", 200, "Pick them here"),
        ("?models=openai/gpt-4.1", 200, "Selected openai/gpt-4.1"),
        ("?models=openai/gpt-4.1&models=nobody/nothing", 400, '"nobody/nothing"'),
        ("?models=openai/gpt-4.1&models=gpt-4.1", 400, "same model"),
        (
            "?" + "&".join(f"models=a/{number}" for number in range(9)),
            400,
            "You can compare 2 to 8 models; this link names 9.",
        ),
        ("?models=openai/gpt-4.1&add=claude", 200, "Add Claude"),
        ("?add=zzzzqqq", 200, "No model matches."),
    ],
)
async def test_models_are_picked_with_a_plain_form(
    site: httpx.AsyncClient, query_string: str, status: int, expected: str
) -> None:
    page = await site.get(f"/compare{query_string}")
    assert page.status_code == status
    assert expected in visible_text(page)
    assert "resolveModel" not in visible_text(page)
    assert raw_values(page.text) == []
