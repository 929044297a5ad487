"""A database that the tests of the commands share."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.servers import tiny_database


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def tiny_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of the tiny registry. Tests only read it."""
    async with tiny_database(tmp_path_factory.mktemp("cli")) as url:
        yield url
