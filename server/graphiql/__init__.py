"""GraphiQL from our own origin: its sources, its build at install time, and the console that stands in for it."""
