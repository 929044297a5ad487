"""Model references: how ids are spelled and prefixed, and which model a reference means."""
