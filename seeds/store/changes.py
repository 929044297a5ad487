"""What moved between two revisions, in the words of the change feed."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from schema.enums import ChangeKind, ModelStatus
from schema.pricing.rates import rate_field
from seeds.merge.claims import MergedModel, comparable
from seeds.store.history import in_force

LIMIT_FIELDS = frozenset({"contextWindow", "maxInputTokens", "maxOutputTokens"})


class ChangeLog:
    """Collects what moved, in the words of the change feed."""

    def __init__(self, revision: int, now: datetime) -> None:
        self.revision, self.now = revision, now
        self.rows: list[dict[str, Any]] = []

    def add(self, kind: ChangeKind, provider: str, ref: str | None = None, **moved: Any) -> None:
        self.rows.append(
            {
                "revision_number": self.revision,
                "kind": kind,
                "model_ref": ref,
                "provider_slug": provider,
                "field": moved.get("field"),
                "before": moved.get("before"),
                "after": moved.get("after"),
                "observed_at": self.now,
            }
        )

    def model_added(self, model: MergedModel) -> None:
        self.add(ChangeKind.MODEL_ADDED, model.columns["provider_slug"], model.columns["ref"])

    def model_changed(
        self, model: MergedModel, facts: Mapping[str, Any], rates: Mapping[str, Any], *, returned: bool
    ) -> None:
        provider, ref = model.columns["provider_slug"], model.columns["ref"]
        if returned:
            self.add(ChangeKind.MODEL_RETURNED, provider, ref)
        now_facts = {claim.field: claim.value for claim in model.claims if claim.rank == 0}
        for name in sorted(facts.keys() | now_facts.keys()):
            old, new = facts.get(name), now_facts.get(name)
            # Prices are compared below, by the rates they are made of.
            if old == new or name.startswith("price."):
                continue
            kind = ChangeKind.LIMIT_CHANGED if name in LIMIT_FIELDS else ChangeKind.FACT_CHANGED
            if name == "status" and new == ModelStatus.RETIRED.name:
                kind = ChangeKind.MODEL_RETIRED
            self.add(kind, provider, ref, field=name, before=old, after=new)
        now_rates = rate_values(model.rates, self.now.date())
        for name in sorted(rates.keys() | now_rates.keys()):
            if (old := rates.get(name)) != (new := now_rates.get(name)):
                self.add(ChangeKind.PRICE_CHANGED, provider, ref, field=name, before=old, after=new)


def rate_values(rates: Iterable[Mapping[str, Any]], day: date) -> dict[str, Any]:
    """Name of each rate in force on a day, as changes spell it -> its amount; its publication where it has none."""
    answer: dict[str, Any] = {}
    for rate in rates:
        if not in_force(rate, day):
            continue
        name = rate_field(rate["service_tier"], rate["meter"], rate["min_context_tokens"], rate["daily_from"])
        amount = rate["amount"]
        answer[name] = rate["publication"].name if amount is None else comparable(amount)
    return answer
