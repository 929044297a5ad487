"""The promise: a nested page takes one statement, however many entries it has."""

from tests.support.registry import Ask

CATALOGUE = """
{
  providers(first: 24) {
    nodes {
      slug
      models(first: 20) {
        nodes {
          ref name
          provider { name }
          family { name }
          prices { meter amount source { slug } }
          parameters { name default }
        }
      }
    }
  }
}
"""


async def test_providers_with_pages_of_models_and_all_their_edges_take_at_most_eight_statements(
    full: Ask, statements: list[str]
) -> None:
    data = await full(CATALOGUE)
    nodes = data["providers"]["nodes"]
    assert len(nodes) == 24
    assert sum(len(provider["models"]["nodes"]) for provider in nodes) > 200
    selects = [statement for statement in statements if statement.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert 0 < len(selects) <= 8, selects


async def test_traits_of_every_kind_take_one_statement(full: Ask, statements: list[str]) -> None:
    await full("{ models(first: 20) { nodes { capabilities inputModalities outputModalities endpoints useCases } } }")
    selects = [statement for statement in statements if statement.lstrip().upper().startswith("SELECT")]
    assert len(selects) == 2, selects


async def test_a_total_is_counted_only_when_asked_for(full: Ask, statements: list[str]) -> None:
    await full("{ models(first: 1) { nodes { ref } } }")
    assert not any("count(" in statement.lower() for statement in statements)
    await full("{ models(first: 1) { totalCount } }")
    assert any("count(" in statement.lower() for statement in statements)


async def test_a_query_that_needs_no_data_reads_none(full: Ask, statements: list[str]) -> None:
    await full("{ __typename __schema { queryType { name } } }")
    assert statements == []


async def test_each_parent_gets_its_own_page(full: Ask) -> None:
    query = """{ providers(filter: {slugs: ["openai", "anthropic"]}) { nodes { slug modelCount
      models(first: 3, orderBy: {field: NAME}) { totalCount nodes { ref name } } } } }"""
    for provider in (await full(query))["providers"]["nodes"]:
        models = provider["models"]["nodes"]
        assert len(models) == 3
        assert all(model["ref"].startswith(provider["slug"] + "/") for model in models)
        assert models == sorted(models, key=lambda model: model["name"])
        assert provider["models"]["totalCount"] == provider["modelCount"]


async def test_a_provider_and_a_family_of_one_name_keep_their_own_pages(full: Ask) -> None:
    models = "models(first: 5, filter: {statuses: [ACTIVE]}) { totalCount nodes { ref } }"
    family = f'family(slug: "mistral") {{ {models} }}'
    together = await full(f'{{ provider(slug: "mistral") {{ {models} }} {family} }}')
    assert together["family"] == (await full(f"{{ {family} }}"))["family"] != together["provider"]
