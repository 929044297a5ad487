"""The GraphQL types, one file for each entity."""
