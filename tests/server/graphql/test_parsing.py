"""The faster lexer: the same tokens, places and errors as graphql-core's."""

import random

import pytest
from graphql import GraphQLError, Lexer, Source, TokenKind, print_ast
from graphql import parse as core_parse
from hypothesis import given
from hypothesis import strategies as st

from schema.graph import graph
from server.graphql.parsing import FastLexer, parse
from tests.server.graphql.test_validation import KNOWN, spoilt
from tests.support.documents import Writer

WRITTEN = '{ } ( ) : ... .. $a name _x1 1 -1.5e3 "text" """block""" "open @ ! #comment & | é \x00 🙂 [ ] = ? 1a'
PIECES = st.sampled_from([*WRITTEN.split(" "), "\n", "\r\n", "\r", " ", "\t", ",", "\ufeff"])


def tokens(lexer: Lexer) -> list[object]:
    """Kind, place and value of every token, or where and why it fails."""
    found: list[object] = []
    try:
        while True:
            token = lexer.advance()
            found.append((token.kind, token.start, token.end, token.line, token.column, token.value))
            if token.kind is TokenKind.EOF:
                return found
    except GraphQLError as error:
        return [*found, str(error)]


@given(st.lists(PIECES, max_size=30).map("".join))
def test_it_reads_the_same_tokens_and_finds_the_same_mistakes(text: str) -> None:
    assert tokens(FastLexer(Source(text))) == tokens(Lexer(Source(text)))


@pytest.mark.parametrize("seed", range(100))
def test_it_reads_the_same_documents(seed: int) -> None:
    chance = random.Random(seed)
    text = Writer(graph, KNOWN, chance).document()
    for candidate in (text, spoilt(text, chance)):
        try:
            expected = print_ast(core_parse(candidate))
        except GraphQLError as error:
            with pytest.raises(GraphQLError) as raised:
                parse(candidate, 5_000)
            assert raised.value.formatted == error.formatted
        else:
            assert print_ast(parse(candidate, 5_000)) == expected


def test_the_number_of_tokens_is_limited() -> None:
    with pytest.raises(GraphQLError, match="more than 3 tokens"):
        parse("{ a b c d }", 3)
