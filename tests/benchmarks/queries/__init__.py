"""The documents that are measured: from one model's fields to hundreds of models with their prices."""

from pathlib import Path

QUERIES = {file.stem: file.read_text() for file in sorted(Path(__file__).parent.glob("*.graphql"))}
