"""The promise: one request returns a whole model page, and every number on it is correct."""

from tests.support.registry import Ask

PAGE = """
{
  model(ref: "openai/gpt-4.1-mini") {
    ref slug name status accessType contextWindow maxOutputTokens knowledgeCutoffText
    provider { slug name } family { slug name }
    price { input output cacheRead publication }
    priceCards { label serviceTier input output unit publication }
    inputModalities outputModalities capabilities endpoints useCases
    supports(capability: STREAMING)
    parameters(supported: true) { name label kind default minimum maximum allowedValues }
  }
}
"""


async def test_the_model_page_of_gpt_4_1_mini_matches_its_makers_documentation(full: Ask) -> None:
    model = (await full(PAGE))["model"]

    assert {name: model[name] for name in ("ref", "slug", "name", "status", "accessType")} == {
        "ref": "openai/gpt-4.1-mini",
        "slug": "gpt-4.1-mini",
        "name": "GPT-4.1 mini",
        # On 2026-10-14 its retirement on 2027-01-14 was announced.
        "status": "DEPRECATED",
        "accessType": "CLOSED",
    }
    assert model["provider"] == {"slug": "openai", "name": "OpenAI"}
    assert model["family"] == {"slug": "gpt-4.1", "name": "GPT-4.1"}
    assert (model["contextWindow"], model["maxOutputTokens"]) == (1_047_576, 32_768)
    assert model["price"] == {"input": "0.4", "output": "1.6", "cacheRead": "0.1", "publication": "PUBLISHED"}
    cards = {card["label"]: (card["input"], card["output"]) for card in model["priceCards"]}
    assert cards["Standard API"] == ("0.4", "1.6")
    assert cards["Cached input"] == ("0.1", None)
    assert cards["Batch"] == ("0.2", "0.8")
    assert cards["Priority"] == ("0.7", "2.8")
    assert {"TEXT", "IMAGE"} <= set(model["inputModalities"])
    assert model["outputModalities"] == ["TEXT"]
    assert len(model["capabilities"]) >= 5
    assert model["supports"] is True
    assert {"CHAT_COMPLETIONS", "RESPONSES", "BATCH"} <= set(model["endpoints"])
    assert {"TEXT_CHAT"} <= set(model["useCases"])

    parameters = {each["name"]: each for each in model["parameters"]}
    number = {"kind": "NUMBER", "allowedValues": None}
    for name, label, default, low, high in (
        ("temperature", "Temperature", 1, "0", "2"),
        ("top_p", "Top P", 1, "0", "1"),
        ("presence_penalty", "Presence penalty", 0, "-2", "2"),
        ("frequency_penalty", "Frequency penalty", 0, "-2", "2"),
    ):
        found = parameters[name]
        assert found["label"].lower() == label.lower()
        assert (found["default"], found["minimum"], found["maximum"]) == (default, low, high)
        assert {key: found[key] for key in number} == number
    assert parameters["response_format"]["default"] == "text"
    assert parameters["response_format"]["allowedValues"] == ["text", "json_object", "json_schema"]


async def test_a_parameter_is_found_by_name_and_null_if_no_source_mentions_it(full: Ask) -> None:
    query = """{ model(ref: "openai/gpt-4.1-mini") {
      temperature: parameter(name: "temperature") { default } unheard: parameter(name: "unheard_of") { default } } }"""
    assert (await full(query))["model"] == {"temperature": {"default": 1}, "unheard": None}


async def test_a_context_window_that_genai_prices_rounds_comes_from_another_source_and_both_values_are_shown(
    full: Ask,
) -> None:
    query = """{ model(ref: "openai/gpt-4.1-mini") {
      facts(fields: ["contextWindow"]) { field value others { value source { slug } } }
      disputes { field } } }"""
    model = (await full(query))["model"]
    (fact,) = model["facts"]
    assert fact["value"] == 1_047_576
    assert {"value": 1_000_000, "source": {"slug": "genai-prices"}} in fact["others"]
    assert {"field": "contextWindow"} in model["disputes"]


async def test_the_whole_tiny_registry_can_be_read(ask: Ask) -> None:
    query = """{ model(ref: "openai/tiny-large") {
      name provider { name kind } family { slug defaultModel { ref } } contextWindow knowledgeCutoff knowledgeCutoffText
      price { input output cacheRead cacheWrite publication }
      prices { serviceTier meter amount minContextTokens unit currency source { slug } }
      inputModalities capabilities supports(capability: FINE_TUNING)
      facts(fields: ["price.input"]) { value source { slug } others { value source { slug } } }
    } }"""
    assert (await ask(query))["model"] == {
        "name": "Tiny Large",
        "provider": {"name": "OpenAI", "kind": "LAB"},
        "family": {"slug": "tiny", "defaultModel": {"ref": "openai/tiny-large"}},
        "contextWindow": 200_000,
        "knowledgeCutoff": "2025-06-01",
        "knowledgeCutoffText": "2025-06",
        "price": {"input": "2.5", "output": "10", "cacheRead": "0.25", "cacheWrite": None, "publication": "PUBLISHED"},
        "prices": [
            {"serviceTier": tier, "meter": meter, "amount": amount, "minContextTokens": size}
            | {"unit": "PER_MILLION_TOKENS", "currency": "USD", "source": {"slug": "genai-prices"}}
            for tier, meter, amount, size in (
                ("STANDARD", "INPUT", "2.5", 0),
                ("STANDARD", "OUTPUT", "10", 0),
                ("STANDARD", "CACHE_READ", "0.25", 0),
                ("STANDARD", "INPUT", "5", 100_000),
                ("BATCH", "INPUT", "1.25", 0),
                ("BATCH", "OUTPUT", "5", 0),
            )
        ],
        "inputModalities": ["IMAGE", "TEXT"],
        "capabilities": ["FUNCTION_CALLING", "REASONING"],
        "supports": False,
        "facts": [
            {
                "value": "2.5",
                "source": {"slug": "genai-prices"},
                "others": [{"value": "2", "source": {"slug": "models-dev"}}],
            }
        ],
    }


async def test_a_model_without_a_price_has_an_unknown_price_and_not_zero(ask: Ask) -> None:
    query = """{ model(ref: "azure/tiny-small") {
      status contextWindow price { input output publication } prices { amount }
      priceCards { label input output publication note } } }"""
    assert (await ask(query))["model"] == {
        "status": "DEPRECATED",
        "contextWindow": None,
        "price": {"input": None, "output": None, "publication": "NOT_PUBLISHED"},
        "prices": [],
        "priceCards": [
            {
                "label": "Standard API",
                "input": None,
                "output": None,
                "publication": "NOT_PUBLISHED",
                "note": "No price is known.",
            }
        ],
    }


async def test_references_are_accepted_in_every_spelling(ask: Ask) -> None:
    query = "query($ref: String!) { model(ref: $ref) { ref } }"
    for ref in (
        "openai/tiny-small",
        "openai:tiny-small",
        "tiny-small@openai",
        " openai/tiny-small ",
        "OpenAI/tiny-small",
    ):
        assert (await ask(query, {"ref": ref}))["model"] == {"ref": "openai/tiny-small"}, ref
    # A bare id that a lab and a reseller have means the lab's model.
    assert (await ask(query, {"ref": "tiny-small"}))["model"] == {"ref": "openai/tiny-small"}
    for ref in ("", "nothing", "openai/", "/", "a\x00b", "' OR 1=1 --", "😀"):
        assert (await ask(query, {"ref": ref}))["model"] is None, ref
    answer = await ask(query, {"ref": "x" * 501}, errors=True)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_ids_find_their_entities_and_invalid_ids_find_nothing(ask: Ask) -> None:
    found = await ask('{ model(ref: "openai/tiny-large") { id provider { id } family { id } } }')
    ids = [found["model"]["id"], found["model"]["provider"]["id"], found["model"]["family"]["id"], "garbage", "", "%%%"]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Model { ref } ... on Provider { slug } } }"
    nodes = (await ask(query, {"ids": ids}))["nodes"]
    assert nodes == [
        {"__typename": "Model", "id": ids[0], "ref": "openai/tiny-large"},
        {"__typename": "Provider", "id": ids[1], "slug": "openai"},
        {"__typename": "Family", "id": ids[2]},
        None,
        None,
        None,
    ]
    answer = await ask(query, {"ids": ["x"] * 101}, errors=True)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
