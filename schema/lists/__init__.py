"""Lists: filters, orders, search, facets, cursors and pages."""
