"""graphql-core's parser with a lexer that reads names and punctuation by one regular expression."""

import re
from typing import Any, Final

from graphql import DocumentNode, Lexer, Source, Token, TokenKind
from graphql.language.parser import Parser

# Line breaks and spaces, then a name or a punctuator: "\n  model", " {", ", ...". Anything else (numbers, strings,
# comments, carriage returns, mistakes) is left to graphql-core.
TOKEN: Final = re.compile(r"[ \t\n,\ufeff]*(?:([_A-Za-z][_0-9A-Za-z]*)|([!$&():=@\[\]{|}]|\.\.\.))")
PUNCTUATORS: Final = {kind.value: kind for kind in TokenKind}


class FastLexer(Lexer):
    def read_next_token(self, start: int) -> Token:
        body = self.source.body
        found = TOKEN.match(body, start)
        if found is None:
            return super().read_next_token(start)
        begin, end = found.span(found.lastindex or 0)
        if lines := body.count("\n", start, begin):
            self.line += lines
            self.line_start = body.rindex("\n", start, begin) + 1
        name = found[1]
        kind = TokenKind.NAME if name else PUNCTUATORS[found[2]]
        return Token(kind, begin, end, self.line, 1 + begin - self.line_start, name)


def parse(text: str, max_tokens: int) -> DocumentNode:
    """The document. Raises GraphQLSyntaxError, or RecursionError for one that nests too deeply."""
    source = Source(text)
    parser: Any = Parser(source, max_tokens=max_tokens, lexer=FastLexer(source))
    document: DocumentNode = parser.parse_document()
    unlink(document)
    return document


def unlink(document: DocumentNode) -> None:
    """Removes the references from each token to the one before it: without cycles, a document that is dropped is freed
    at once, and not when the garbage collector has gone through everything else that is kept."""
    token: Any = document.loc and document.loc.start_token
    while token is not None:
        token.prev = None
        token = token.next
