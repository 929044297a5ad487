"""The catalogue's web pages: a GraphQL document and a template each, so that every page is also an example."""
