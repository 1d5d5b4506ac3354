"""The simulated AWS account, sample logs and the rehearsal of the nine-step attack; for `make demo` and tests."""
