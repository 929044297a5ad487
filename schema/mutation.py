"""The mutation: an operator can start a refresh."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry

from schema import dataloaders
from schema.context import Info
from schema.dataloaders import whole
from schema.declarations import Declaration, Kind, argument, edge, field
from schema.errors import UNAUTHENTICATED, ClientError
from schema.types.revision import Revision
from schema.types.source import MOST_SOURCES, Source

Sources = Annotated[
    list[str] | None,
    argument("Slugs of the feeds to refresh: models-dev, genai-prices, openrouter. All of them by default."),
]


@strawberry.type(description="Result of a refresh.")
class RefreshPayload:
    revision = edge(
        Revision,
        dataloaders.revisions,
        by=lambda done: done["revision"],
        description="The revision the registry is at after the refresh.",
    )
    sources = edge(
        list[Source],
        dataloaders.all_sources,
        by=whole,
        largest=MOST_SOURCES,
        description="The sources after the refresh, the most trusted first.",
    )

    @field()
    @staticmethod
    def change_count(done: Mapping[str, Any]) -> int:
        """Number of changes the refresh made; 0 if nothing changed."""
        return int(done["changeCount"])


@strawberry.type(description="All mutations.")
class Mutation:
    # Not declared like other fields: it changes data, so it can be neither planned nor cached.
    @strawberry.mutation(
        graphql_type=RefreshPayload,
        description="Refresh the registry now and wait for the result. Requires the operator's token in the header "
        "Authorization: Bearer TOKEN; without it, or on a server that has none, the error is UNAUTHENTICATED. "
        "A source that could not be refreshed is not an error: its status in sources says so.",
        metadata={"declaration": Declaration(kind=Kind.ACTION)},
    )
    @staticmethod
    async def refresh_registry(info: Info, sources: Sources = None) -> Any:
        refresh = info.context.refresh
        if refresh is None:
            raise ClientError(
                "Refreshing requires the operator's token: send the header Authorization: Bearer TOKEN "
                "with the value of MODELMETA_OPERATOR_TOKEN.",
                UNAUTHENTICATED,
            )
        return await refresh(checked(info, sources or ()))


def checked(info: Info, slugs: Sequence[str]) -> Sequence[str]:
    """The slugs of feeds. Raises a ClientError for a slug that is not one."""
    if len(slugs) > MOST_SOURCES:
        raise ClientError(f"sources must have at most {MOST_SOURCES} entries (got {len(slugs)}).")
    feeds = info.context.settings.feeds
    for slug in slugs:
        if slug not in feeds:
            raise ClientError(f'No feed is called "{slug:.80}". Known feeds: {", ".join(sorted(feeds))}.')
    return slugs
