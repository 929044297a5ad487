"""The curated catalog: facts no feed carries, as TOML files, and the code that loads them."""
