"""Software packages: what they are called where, and which of two versions is the newer."""
