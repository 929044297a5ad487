"""What changed between two revisions, as rows of the change feed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schema.enums import ChangeKind, ModelStatus
from schema.pricing.rates import rate_values
from seeds.catalogue import JsonValue
from seeds.merge.claims import MergedModel

LIMIT_FIELDS = frozenset({"contextWindow", "maxInputTokens", "maxOutputTokens"})


@dataclass(frozen=True, slots=True)
class Change:
    """A change's columns in the database, except its id."""

    revision_number: int
    kind: ChangeKind
    provider_slug: str
    model_ref: str | None
    field: str | None
    before: JsonValue
    after: JsonValue
    observed_at: datetime


class ChangeLog:
    """Collects the changes of one revision."""

    def __init__(self, revision: int, now: datetime) -> None:
        self.revision, self.now = revision, now
        self.changes: list[Change] = []

    def add(
        self,
        kind: ChangeKind,
        provider: str,
        ref: str | None = None,
        field: str | None = None,
        before: JsonValue = None,
        after: JsonValue = None,
    ) -> None:
        self.changes.append(Change(self.revision, kind, provider, ref, field, before, after, self.now))

    def model_changed(
        self, model: MergedModel, facts: Mapping[str, JsonValue], rates: Mapping[str, str], *, returned: bool
    ) -> None:
        """Compares a model with its stored facts and with the rates that were in force before."""
        provider, ref = model.provider_slug, model.ref
        if returned:
            self.add(ChangeKind.MODEL_RETURNED, provider, ref)
        now_facts = {claim.field: claim.value for claim in model.claims if claim.rank == 0}
        for name in sorted(facts.keys() | now_facts.keys()):
            old, new = facts.get(name), now_facts.get(name)
            # Prices are compared below, by their rates.
            if old == new or name.startswith("price."):
                continue
            kind = ChangeKind.LIMIT_CHANGED if name in LIMIT_FIELDS else ChangeKind.FACT_CHANGED
            if name == "status" and new == ModelStatus.RETIRED.name:
                kind = ChangeKind.MODEL_RETIRED
            self.add(kind, provider, ref, name, old, new)
        now_rates = rate_values(model.rates, self.now.date())
        for name in sorted(rates.keys() | now_rates.keys()):
            if (amount_before := rates.get(name)) != (amount := now_rates.get(name)):
                self.add(ChangeKind.PRICE_CHANGED, provider, ref, name, amount_before, amount)
