"""The promise: the chart draws the rates of the price history."""

import re
from datetime import date
from typing import Any

import httpx

from server.pages.price_chart import price_chart
from tests.support.html import parse_page
from tests.support.pages import visible_text


async def test_a_changed_price_has_a_chart_and_a_table(site: httpx.AsyncClient) -> None:
    page = await site.get("/models/openrouter/deepseek/deepseek-v4-flash")
    parsed = parse_page(page.text)
    assert [attributes["role"] for tag, attributes in parsed.elements if tag == "svg"] == ["img"]
    assert (
        len(
            [
                attributes
                for tag, attributes in parsed.elements
                if tag == "path" and "line" in attributes.get("class", "")
            ]
        )
        == 2
    )
    assert "Price history Meter From To USD per 1M tokens" in parsed.text
    unchanged = visible_text(await site.get("/models/openai/gpt-4.1-mini"))
    assert "Price history No price changes recorded." in unchanged


def test_the_chart_draws_each_rate_for_its_period() -> None:
    def rate(meter: str, amount: str | None, start: str | None, end: str | None) -> dict[str, Any]:
        return {
            "meter": meter,
            "amount": amount,
            "minContextTokens": 0,
            "dailyWindow": None,
            "effectiveFrom": start,
            "effectiveTo": end,
        }

    today = date(2026, 11, 1)
    history = [
        rate("INPUT", "2", None, "2026-10-01"),
        rate("INPUT", "1", "2026-10-01", None),
        rate("OUTPUT", "4", None, None),
    ]
    chart = price_chart(history, today)
    assert chart is not None
    assert [tick.text for tick in chart.amount_ticks] == ["0", "2", "4"]
    assert [line.meter for line in chart.lines] == ["INPUT", "OUTPUT"]
    assert re.fullmatch(r"M64(\.0)? [\d.]+H[\d.]+V[\d.]+H628(\.0)?", chart.lines[0].path)
    assert price_chart(history[2:], today) is None
    assert price_chart([], today) is None
    assert price_chart([rate("INPUT", None, None, None)], today) is None
