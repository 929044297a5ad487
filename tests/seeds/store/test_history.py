"""The promise: when a price changes, the old one is kept with the days on which this registry saw it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.enums import Meter, ServiceTier
from schema.pricing.rates import in_force, rate_key
from seeds.catalogue import Catalogue, RateClaim
from seeds.merge.claims import MergedRate
from seeds.store.history import continue_history
from tests.support.registry import NOW, asker, put, tiny

FIRST = date(2026, 1, 1)


def rate(amount: str, meter: Meter = Meter.INPUT, begin: date | None = None, end: date | None = None) -> MergedRate:
    return MergedRate(
        meter, Decimal(amount), effective_from=begin, effective_to=end, position=0, source_slug="models-dev"
    )


def stored(rates: Sequence[MergedRate]) -> list[MergedRate]:
    """The rates as a first load stores them."""
    return [replace(rate, position=position) for position, rate in enumerate(rates)]


def shown(rates: Sequence[MergedRate]) -> list[tuple[str, str | None, str | None]]:
    def day(value: date | None) -> str | None:
        return value and value.isoformat()

    return [(str(rate.amount), day(rate.effective_from), day(rate.effective_to)) for rate in rates]


price_lists = st.lists(
    st.dictionaries(
        st.sampled_from([Meter.INPUT, Meter.OUTPUT, Meter.CACHE_READ]), st.sampled_from(["1", "2", "3"]), max_size=3
    ),
    min_size=1,
    max_size=8,
)


@given(lists=price_lists, steps=st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_every_past_day_keeps_the_prices_that_were_stated_on_it(
    lists: list[dict[Meter, str]], steps: list[int]
) -> None:
    day = FIRST
    held = stored([rate(amount, meter) for meter, amount in lists[0].items()])
    stated_on: dict[date, dict[Meter, str]] = {day: lists[0]}
    for prices, step in zip(lists[1:], steps, strict=False):
        day += timedelta(days=step)
        held = continue_history(held, [rate(amount, meter) for meter, amount in prices.items()], day)
        stated_on[day] = prices
    for each in (FIRST + timedelta(days=n) for n in range((day - FIRST).days + 1)):
        known = stated_on[max(seen for seen in stated_on if seen <= each)]
        found = {row.meter: str(row.amount) for row in held if in_force(row, each)}
        assert found == known, (each, shown(held))
    assert [row.position for row in held] == list(range(len(held)))
    for row in held:
        same = [other for other in held if rate_key(other) == rate_key(row) and other is not row]
        assert not any(in_force(other, each) and in_force(row, each) for other in same for each in stated_on)


def test_the_same_prices_again_change_nothing() -> None:
    held = stored([rate("1"), rate("4", Meter.OUTPUT)])
    later = continue_history(held, [rate("1"), rate("4", Meter.OUTPUT)], date(2026, 5, 1))
    assert shown(later) == shown(held)
    assert not any(row.observed for row in later)


def test_a_price_that_changes_ends_when_the_new_one_starts() -> None:
    moved = continue_history(stored([rate("1")]), [rate("2")], date(2026, 5, 1))
    assert shown(moved) == [("1", None, "2026-05-01"), ("2", "2026-05-01", None)]
    again = continue_history(moved, [rate("3")], date(2026, 6, 1))
    assert shown(again) == [
        ("1", None, "2026-05-01"),
        ("2", "2026-05-01", "2026-06-01"),
        ("3", "2026-06-01", None),
    ]


def test_a_price_that_was_not_in_force_on_any_day_is_not_kept() -> None:
    moved = continue_history(stored([rate("1")]), [rate("2")], date(2026, 5, 1))
    assert shown(continue_history(moved, [rate("3")], date(2026, 5, 1))) == [
        ("1", None, "2026-05-01"),
        ("3", "2026-05-01", None),
    ]


def test_a_price_that_is_withdrawn_ends_and_starts_again_when_it_returns() -> None:
    gone = continue_history(stored([rate("1")]), [], date(2026, 5, 1))
    assert shown(gone) == [("1", None, "2026-05-01")]
    assert shown(continue_history(gone, [rate("1")], date(2026, 6, 1))) == [
        ("1", None, "2026-05-01"),
        ("1", "2026-06-01", None),
    ]


def test_what_a_source_states_about_past_prices_overrides_what_was_observed() -> None:
    moved = continue_history(stored([rate("1")]), [rate("2")], date(2026, 5, 3))
    history = [rate("1", end=date(2026, 5, 1)), rate("2", begin=date(2026, 5, 1))]
    assert shown(continue_history(moved, history, date(2026, 5, 10))) == [
        ("1", None, "2026-05-01"),
        ("2", "2026-05-01", None),
    ]


def test_a_source_that_dates_its_new_price_ends_the_old_one_on_that_day() -> None:
    dated = continue_history(stored([rate("1")]), [rate("2", begin=date(2026, 4, 20))], date(2026, 5, 3))
    assert shown(dated) == [("1", None, "2026-04-20"), ("2", "2026-04-20", None)]


def test_a_price_announced_for_later_leaves_todays_in_force() -> None:
    announced = [rate("1", end=date(2026, 7, 1)), rate("2", begin=date(2026, 7, 1))]
    held = continue_history(stored([rate("1")]), announced, date(2026, 5, 3))
    assert shown(held) == [("1", None, "2026-07-01"), ("2", "2026-07-01", None)]
    assert shown(continue_history(held, announced, date(2026, 8, 1))) == shown(held)


# In the graph

HISTORY = """query($day: DateTime) { model(ref: "openai/tiny-large") {
  priceHistory(filter: {meters: [INPUT], serviceTiers: [BATCH]}) { amount effectiveFrom effectiveTo source { slug } }
  prices(filter: {meters: [INPUT], serviceTiers: [BATCH]}, asOf: $day) { amount }
  cost(usage: {inputTokens: 1000000, requests: 0}, serviceTier: BATCH, asOf: $day) { total } } }"""


def repriced(amount: str) -> list[Catalogue]:
    catalogues = tiny()
    rates = catalogues[1].models[0].rates
    rates[3] = RateClaim(Meter.INPUT, Decimal(amount), service_tier=ServiceTier.BATCH)
    return catalogues


async def test_changed_prices_extend_the_history_that_as_of_uses(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    await put(engine, repriced("1"), NOW + timedelta(days=10))
    # Another fact changes; the observed price periods stay.
    renamed = repriced("1")
    renamed[2].models[0].facts["name"] = "Large"
    await put(engine, renamed, NOW + timedelta(days=20))
    ask = asker(engine)
    before = (await ask(HISTORY, {"day": "2026-11-25T00:00:00Z"}))["model"]
    assert before == {
        "priceHistory": [
            {
                "amount": "1.25",
                "effectiveFrom": None,
                "effectiveTo": "2026-12-03",
                "source": {"slug": "genai-prices"},
            },
            {
                "amount": "1",
                "effectiveFrom": "2026-12-03",
                "effectiveTo": None,
                "source": {"slug": "genai-prices"},
            },
        ],
        "prices": [{"amount": "1.25"}],
        "cost": {"total": "1.25"},
    }
    after = (await ask(HISTORY, {"day": "2026-12-03T00:00:00Z"}))["model"]
    assert (after["prices"], after["cost"]) == ([{"amount": "1"}], {"total": "1"})
