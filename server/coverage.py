"""Statistics: how complete the data on the labs' own APIs is, and where sources disagree."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from schema import tables
from schema.tables import TraitKind

LABS = (
    "openai",
    "anthropic",
    "google",
    "mistral",
    "cohere",
    "deepseek",
    "xai",
    "alibaba",
    "moonshotai",
    "zai",
    "zhipuai",
    "minimax",
    "llama",
    "perplexity",
    "nova",
    "nvidia",
    "upstage",
    "stepfun",
    "inception",
    "xiaomi",
    "tencent-tokenhub",
    "ai21",
    "voyageai",
    "jina",
)
"""Labs whose own APIs the registry covers completely."""
TEXT_ENDPOINTS = (
    *("CHAT_COMPLETIONS", "RESPONSES", "MESSAGES", "GENERATE_CONTENT", "INTERACTIONS", "CHAT", "COMPLETIONS"),
    *("FILL_IN_THE_MIDDLE", "CONVERSE", "INVOKE_MODEL", "AGENTS", "LIVE", "REALTIME"),
)
"""Endpoints that output text. A model without known endpoints counts as a text model too."""
ASPECTS = ("parameters", "endpoints", "capabilities", "use cases", "family", "status", "access type")


@dataclass(frozen=True, slots=True)
class Covered:
    """One provider's text models, and how many of them have a value for each aspect."""

    provider: str
    models: int
    counts: dict[str, int]

    def share(self, aspect: str) -> str:
        return f"{100 * self.counts[aspect] // self.models} %" if self.models else "–"


async def coverage(connection: AsyncConnection, providers: tuple[str, ...] = LABS) -> list[Covered]:
    """The coverage of each provider."""
    model, trait, parameter, claim = tables.Model, tables.Trait, tables.Parameter, tables.Claim

    def has_trait(kind: TraitKind) -> sa.ColumnElement[bool]:
        return sa.exists().where(col(trait.model_id) == col(model.id), col(trait.kind) == kind)

    def stated(field: str) -> sa.ColumnElement[bool]:
        # Each capability is a claim of its own, such as capabilities.VISION, also if it is absent.
        whole_field = col(claim.field) == field
        return sa.exists().where(
            col(claim.model_id) == col(model.id),
            whole_field | col(claim.field).startswith(f"{field}.", autoescape=True),
        )

    tests = {
        "parameters": sa.exists().where(col(parameter.model_id) == col(model.id)),
        "endpoints": stated("endpoints"),
        "capabilities": stated("capabilities"),
        "use cases": has_trait(TraitKind.USE_CASE),
        "family": col(model.family_slug).is_not(None),
        "status": stated("status"),
        "access type": stated("accessType"),
    }
    endpoints = sa.select(col(trait.model_id)).where(col(trait.kind) == TraitKind.ENDPOINT)
    is_text_model = col(model.id).in_(endpoints.where(col(trait.value).in_(TEXT_ENDPOINTS))) | (
        col(model.id).not_in(endpoints) & ~stated("endpoints")
    )
    counts = [sa.func.sum(sa.case((test, 1), else_=0)).label(name) for name, test in tests.items()]
    rows = await connection.execute(
        sa.select(col(model.provider_slug), sa.func.count().label("models"), *counts)
        .where(col(model.provider_slug).in_(providers), is_text_model)
        .group_by(col(model.provider_slug))
    )
    by_provider = {
        row["provider_slug"]: Covered(row["provider_slug"], row["models"], {name: row[name] for name in ASPECTS})
        for row in rows.mappings()
    }
    return [by_provider.get(slug, Covered(slug, 0, dict.fromkeys(ASPECTS, 0))) for slug in providers]


async def disputes(connection: AsyncConnection) -> list[tuple[str, int, int]]:
    """(field, models on which sources disagree, how many of those have a recorded reason), most disputed first."""
    claim = tables.Claim
    disputed = (
        sa.select(col(claim.model_id), col(claim.field)).where(col(claim.disputed)).distinct().subquery("disputed")
    )
    trusted = sa.select(claim).where(col(claim.rank) == 0).subquery("trusted")
    # All parameters.* count as one field; price.input and other prices stay separate.
    rows = await connection.execute(
        sa.select(disputed.c.field, sa.func.count(), sa.func.count(trusted.c.reason))
        .join(
            trusted,
            sa.and_(trusted.c.model_id == disputed.c.model_id, trusted.c.field == disputed.c.field),
        )
        .group_by(disputed.c.field)
    )
    totals: dict[str, tuple[int, int]] = {}
    for field, count, decided in rows:
        name = field if field.startswith("price.") else field.partition(".")[0]
        previous = totals.get(name, (0, 0))
        totals[name] = previous[0] + count, previous[1] + decided
    return sorted(((name, *counts) for name, counts in totals.items()), key=lambda row: (-row[1], row[0]))


def markdown(rows: list[Covered]) -> str:
    """The coverage as a Markdown table for the README."""
    lines = [f"| Provider | Text models | {' | '.join(aspect.capitalize() for aspect in ASPECTS)} |"]
    lines.append("| --- " + "| ---: " * (len(ASPECTS) + 1) + "|")
    for row in rows:
        lines.append(f"| {row.provider} | {row.models} | {' | '.join(row.share(aspect) for aspect in ASPECTS)} |")
    return "\n".join(lines) + "\n"
