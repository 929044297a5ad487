"""The promise: stored values keep every digit, and numbers stored as text sort like numbers."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.column_types import (
    ExactDecimal,
    ExactJson,
    check_exact,
    dump_json,
    from_sortable,
    load_json,
    plain,
    sortable,
)
from server import database

decimals = st.decimals(
    min_value=Decimal(-(10**19)), max_value=Decimal(10**19), allow_nan=False, allow_infinity=False, places=18
) | st.sampled_from([Decimal("0.1"), Decimal("1e-7"), Decimal("1234567.123456789"), Decimal("0"), Decimal("-0")])


@given(decimals)
def test_a_decimal_survives_its_sortable_form(value: Decimal) -> None:
    assert from_sortable(sortable(value)) == value


@given(decimals, decimals)
def test_sortable_forms_compare_like_the_numbers(left: Decimal, right: Decimal) -> None:
    assert (sortable(left) < sortable(right)) == (left < right)
    assert (sortable(left) == sortable(right)) == (left == right)


@given(decimals)
def test_plain_strings_have_neither_exponent_nor_trailing_zeros(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert not ("." in text and text.endswith(("0", ".")))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e20", "1e-19", "1.0000000000000000001"])
def test_a_value_a_column_cannot_store_exactly_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"digits|finite"):
        check_exact(Decimal(value))


def test_a_zero_of_any_exponent_is_zero() -> None:
    # A forged cursor may contain these; written out, they would exhaust memory.
    for text in ("0E-1000000000", "-0E-1000000000", "0E+1000000000", "0.00", "-0"):
        zero = Decimal(text)
        assert (plain(zero), str(check_exact(zero)), sortable(zero)) == ("0", "0", "0" * 20)


@pytest.mark.parametrize("text", ["1E+1000000000", "-1E+1000000000", "1E-1000000000", "1E+200", "12.5E-300"])
def test_a_huge_exponent_is_never_written_out(text: str) -> None:
    for write in (plain, check_exact, sortable, dump_json):
        with pytest.raises((ValueError, TypeError)):
            write(Decimal(text))


def test_json_keeps_every_digit() -> None:
    value = {"a": Decimal("0.1"), "b": [Decimal("1e-7"), 12345678901234567890, None, True]}
    assert dump_json(value) == '{"a":0.1,"b":[0.0000001,12345678901234567890,null,true]}'
    assert load_json(dump_json(value)) == value


@pytest.mark.parametrize("text", ["12345678901234567890123", "-98765432109876543210", "1" * 5_000, "0.1", "0", "[1,2]"])
def test_a_number_of_any_length_survives_json(text: str) -> None:
    assert dump_json(load_json(text)) == text


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "[NaN]"])
def test_values_that_are_not_json_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="which is not JSON"):
        load_json(text)


async def test_both_databases_store_compare_and_sort_decimals_exactly(engine: AsyncEngine) -> None:
    table = sa.Table(
        "exact",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("n", ExactDecimal),
        sa.Column("j", ExactJson),
    )
    texts = ["1e-7", "0.1", "0.10000000000000001", "1", "9", "10", "1234567.123456789", "-0.5", "-2", "-10"]
    values = [Decimal(text) for text in texts]
    async with database.writing(engine) as connection:
        await connection.run_sync(table.create)
        await connection.execute(sa.insert(table), [{"n": value, "j": {"v": value}} for value in values])
    async with database.reading(engine) as connection:
        rows = (await connection.execute(sa.select(table.c.n, table.c.j).order_by(table.c.n))).all()
        assert [row.n for row in rows] == sorted(values)
        assert [row.j["v"] for row in rows] == sorted(values)
        cheap = sa.select(sa.func.count()).select_from(table).where(table.c.n <= Decimal("0.1"))
        assert await connection.scalar(cheap) == sum(value <= Decimal("0.1") for value in values)
