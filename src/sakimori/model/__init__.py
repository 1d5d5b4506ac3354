"""The nouns that every room shares: values only, no I/O of any kind."""
