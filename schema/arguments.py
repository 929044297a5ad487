"""The four arguments of every connection."""

from typing import Annotated

import strawberry

Search = Annotated[
    str | None,
    strawberry.argument(
        description="Words to look for in names, ids, families, providers and descriptions; slips are forgiven."
    ),
]
First = Annotated[
    int | None,
    strawberry.argument(description="Number of entries from the start, 100 at most; 20 when nothing is given."),
]
After = Annotated[str | None, strawberry.argument(description="Cursor to start after.")]
Last = Annotated[int | None, strawberry.argument(description="Number of entries from the end, 100 at most.")]
Before = Annotated[str | None, strawberry.argument(description="Cursor to end before.")]
