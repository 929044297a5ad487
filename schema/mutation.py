"""What an operator can have done: a refresh, now."""

from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
import strawberry
from sqlmodel import col
from strawberry import Parent

from schema import tables
from schema.context import Info
from schema.errors import UNAUTHENTICATED, ClientError
from schema.types.revision import Revision
from schema.types.source import Source

MOST_SOURCES = 20
"""Names of sources a refresh takes."""


@strawberry.type(description="What a refresh did.")
class RefreshPayload:
    @strawberry.field(graphql_type=Revision, description="The state the registry is in after it.")
    @staticmethod
    async def revision(done: Parent[Any], info: Info) -> Any:
        revision = tables.Revision
        rows = await info.context.rows(sa.select(revision).where(col(revision.number) == done["revision"]))
        return rows[0]

    @strawberry.field(description="Number of changes it brought; 0 when nothing moved.")
    @staticmethod
    def change_count(done: Parent[Any]) -> int:
        return int(done["changeCount"])

    @strawberry.field(graphql_type=list[Source], description="How the sources stand after it.")
    @staticmethod
    async def sources(done: Parent[Any], info: Info) -> Any:
        return await info.context.rows(sa.select(tables.Source).order_by(col(tables.Source.trust)))


@strawberry.type(description="What an operator can have done.")
class Mutation:
    @strawberry.field(
        graphql_type=RefreshPayload,
        description="Run a refresh now, and wait for it. Needs the operator's token, as Authorization: Bearer TOKEN; "
        "refused with UNAUTHENTICATED without it, and on a server that has none. A source that fails is no error here: "
        "it says so in sources.",
    )
    @staticmethod
    async def refresh_registry(
        info: Info,
        sources: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Feeds to ask, by slug: models-dev, genai-prices, openrouter. All, if none."
            ),
        ] = None,
    ) -> Any:
        refresh = info.context.refresh
        if refresh is None:
            raise ClientError(
                "Refreshing needs the operator's token: send the header Authorization: Bearer TOKEN, "
                "with the value the server has in MODELMETA_OPERATOR_TOKEN.",
                UNAUTHENTICATED,
            )
        return await refresh(await checked(info, sources or ()))


async def checked(info: Info, slugs: Sequence[str]) -> Sequence[str]:
    """The slugs, each a feed's. Raises a ClientError that names those there are."""
    if len(slugs) > MOST_SOURCES:
        raise ClientError(f"sources has {len(slugs)} entries; there are not as many.")
    feeds = info.context.settings["feeds"]
    for slug in slugs:
        if slug not in feeds:
            raise ClientError(f'No feed is called "{slug}". Known feeds: {", ".join(sorted(feeds))}.')
    return slugs
