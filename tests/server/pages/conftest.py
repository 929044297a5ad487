"""The sites that the tests of pages share."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.pages import page_client
from tests.support.servers import Server, tiny_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(full_engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    """The pages of the whole registry."""
    async with page_client(full_engine) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """The tiny registry, served."""
    async with tiny_server(tmp_path_factory.mktemp("pages")) as running:
        yield running
