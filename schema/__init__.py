"""The graph: tables on the ground floor, reading above them, types on top."""
