"""Log sources: read, parse and normalise into the lake, each object exactly once."""
