"""The whole registry as one compressed file, exported and imported exactly."""
