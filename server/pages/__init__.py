"""The web pages: each is a GraphQL document and a template, so every page is also an example of the API."""
