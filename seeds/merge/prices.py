"""Which source's rates are used for a model. Pure."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date
from typing import NamedTuple

from schema.enums import Meter
from schema.pricing.rates import rate_order
from schema.pricing.standard import STANDARD_METERS, StandardPrice, standard_price
from seeds.catalogue import RateClaim
from seeds.merge.claims import ClaimsBySource, MergedClaim, MergedRate, Reasons, camel_case, merge_claims
from seeds.merge.overrides import decide

CLAIMED = tuple(claimed.name for claimed in fields(RateClaim))


class SourcedRate(NamedTuple):
    rate: RateClaim
    source: str


def merge_rates(
    ref: str, stated: ClaimsBySource, today: date, reasons: Reasons
) -> tuple[list[MergedRate], StandardPrice, list[MergedClaim]]:
    """The rates to use, today's standard price among them, and the claims about the standard price."""
    rate_lists: Sequence[tuple[str, Sequence[RateClaim]]] = [
        (source, model.rates) for source, model in stated.ordered() if model.rates
    ]
    rate_lists, reason = decide(ref, "price", rate_lists)
    rates = [
        MergedRate(**{name: getattr(rate, name) for name in CLAIMED}, position=position, source_slug=source)
        for position, (rate, source) in enumerate(choose_rates(rate_lists, today))
    ]
    price = standard_price(rates, today)
    claims: list[MergedClaim] = []
    by_source = [(source, standard_price(source_rates, today)) for source, source_rates in rate_lists]
    for name, meter in STANDARD_METERS.items():
        field = f"price.{camel_case(name)}"
        amounts = [(source, theirs.amounts[meter]) for source, theirs in by_source if meter in theirs.amounts]
        if amounts and meter not in price.amounts:
            # The trusted price list is used as a whole, including what it leaves out.
            trusted = by_source[0][0]
            claims.append(MergedClaim(field, trusted, 0, None, False, "Its price list has no such rate."))
            others = [pair for pair in amounts if pair[0] != trusted]
            claims += [replace(claim, rank=claim.rank + 1) for claim in merge_claims(field, others, {})]
        else:
            claims += merge_claims(field, amounts, reasons, reason)
    publications = [(source, theirs.publication) for source, theirs in by_source]
    claims += merge_claims("price.publication", publications, reasons, reason)
    return rates, price, claims


def choose_rates(stated: Sequence[tuple[str, Sequence[RateClaim]]], day: date) -> list[SourcedRate]:
    """The rates to use, from (source, rates) in order of trust.

    All rates of a tier come from the first source that has them: rates of two price lists need not belong together.
    Tiers that the first source leaves out come from a later one if it states the same standard price for the day: then
    it describes the same price list.
    """
    lists = [(source, rates) for source, rates in stated if rates]
    if not lists:
        return []
    first_source, first = lists[0]
    chosen = [SourcedRate(rate, first_source) for rate in first]
    ours = standard_price(first, day)
    for source, rates in lists[1:]:
        if not _same_price_list(ours, standard_price(rates, day)):
            continue
        covered = {rate.service_tier for rate, _ in chosen}
        chosen += [SourcedRate(rate, source) for rate in rates if rate.service_tier not in covered]
    return sorted(chosen, key=lambda sourced: rate_order(sourced.rate))


def _same_price_list(ours: StandardPrice, theirs: StandardPrice) -> bool:
    meters = (Meter.INPUT, Meter.OUTPUT)
    return (
        ours.publication is theirs.publication
        and any(meter in ours.amounts for meter in meters)
        and all(ours.amounts.get(meter) == theirs.amounts.get(meter) for meter in meters)
    )
