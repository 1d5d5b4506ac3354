"""A simulated account in a process of its own, filled with a mixed estate, that counts the calls it gets."""
