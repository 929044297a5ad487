"""GraphQL over HTTP and WebSocket: requests, documents, limits, execution and streams."""
