"""The short check of documents: whatever it accepts, graphql-core's validation accepts."""

import os
import random
import re
from collections import Counter
from pathlib import Path

import pytest
from graphql import GraphQLSyntaxError, parse, validate

from schema.graph import graph
from server import pages
from server.graphql.validation import is_certainly_valid
from tests.support.documents import Known, Writer

DOCUMENTS = int(os.environ.get("DOCUMENTS", "1500"))
SEED = int(os.environ.get("DOCUMENTS_SEED") or random.SystemRandom().randrange(10**9))
KNOWN = Known(["openai/gpt-4.1"], ["openai"], ["TW9kZWw6eA"])
PAGES = Path(pages.__file__).parent / "documents"
TOKEN = re.compile(r'"[^"]*"|\.\.\.|[\w$@]+|[^\s\w]')
EXTRA = (
    "name",
    "model",
    "nope",
    "$v0",
    "null",
    "1",
    '"x"',
    "{",
    "}",
    "(",
    ")",
    "Model",
    "... on Model",
    "@skip",
    "[",
    "]",
)


def spoilt(text: str, chance: random.Random) -> str:
    """The document with a token left out, repeated, exchanged or put in."""
    tokens = TOKEN.findall(text)
    for _ in range(chance.randint(1, 2)):
        place = chance.randrange(len(tokens))
        match chance.randrange(4):
            case 0:
                del tokens[place]
            case 1:
                tokens.insert(place, tokens[place])
            case 2:
                tokens[place] = chance.choice([*tokens, *EXTRA])
            case _:
                tokens.insert(place, chance.choice([*tokens, *EXTRA]))
    return " ".join(tokens)


def test_what_it_accepts_is_valid() -> None:
    print(f"DOCUMENTS_SEED={SEED}")
    counts = Counter[str]()
    for number in range(DOCUMENTS):
        chance = random.Random(f"{SEED} {number}")
        text = Writer(graph, KNOWN, chance).document()
        for candidate in (text, spoilt(text, chance), spoilt(text, chance)):
            try:
                document = parse(candidate)
            except GraphQLSyntaxError:
                continue
            certain, errors = is_certainly_valid(graph, document), validate(graph, document)
            assert not (certain and errors), (number, candidate, errors)
            counts["invalid" if errors else "certain" if certain else "uncertain"] += 1
    print(dict(counts))
    assert counts["invalid"] > DOCUMENTS / 4
    assert counts["certain"] > DOCUMENTS / 10


@pytest.mark.parametrize("file", sorted(PAGES.glob("*.graphql")), ids=lambda file: file.stem)
def test_it_accepts_the_documents_of_the_pages(file: Path) -> None:
    assert is_certainly_valid(graph, parse(file.read_text("utf-8")))


def test_it_accepts_the_same_leaf_in_several_fragments() -> None:
    text = """query ($ref: String!, $max: Decimal = 1) {
        model(ref: $ref) { id __typename ...A ...B provider { ...P } }
        models(filter: {maxInputPrice: $max}) { nodes { ...A } }
    }
    fragment A on Model { id __typename name }
    fragment B on Node { id __typename ... on Model { name } }
    fragment P on Provider { id }"""
    assert is_certainly_valid(graph, parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "{ model(ref: 1) { name } }",
        "{ model { name } }",
        "{ model(ref: null) { name } }",
        '{ model(ref: "x", ref: "x") { name } }',
        '{ model(ref: "x") }',
        '{ model(ref: "x") { name { a } } }',
        '{ model(ref: "x") { name: slug name } }',
        "{ models(filter: {nope: 1}) { totalCount } }",
        "{ models(filter: {isNew: 1, isNew: 1}) { totalCount } }",
        "{ models(first: 1.5) { totalCount } }",
        '{ models(filter: {maxInputPrice: "x"}) { totalCount } }',
        "{ models(orderBy: {}) { totalCount } }",
        "query ($a: Int) { __typename }",
        "{ models(first: $a) { totalCount } }",
        "query ($a: String) { models(first: $a) { totalCount } }",
        "query ($a: String) { model(ref: $a) { name } }",
        "query ($a: Int = true) { models(first: $a) { totalCount } }",
        "query ($a: Model) { models(first: $a) { totalCount } }",
        "query A { __typename } query A { __typename }",
        "query A { __typename } { __typename }",
        "fragment F on Model { name } { __typename }",
        "{ ...F } fragment F on Query { ...F }",
        "{ ...F } fragment F on Model { name }",
        "{ ...F }",
        "{ ... on Nope { name } }",
        "{ ... on Decimal { name } }",
        "{ __typename @nope }",
        "{ __typename @skip }",
        "{ __typename @skip(if: true) @skip(if: true) }",
        "{ __typename @skip(if: 1) }",
        "{ __typename(a: 1) }",
        "{ __typename { a } }",
        "subscription { nope }",
        "type T { a: Int }",
    ],
)
def test_an_invalid_document_is_not_accepted(text: str) -> None:
    document = parse(text)
    assert validate(graph, document)
    assert not is_certainly_valid(graph, document)
