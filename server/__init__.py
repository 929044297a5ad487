"""The process: settings, database, HTTP and the command line."""
