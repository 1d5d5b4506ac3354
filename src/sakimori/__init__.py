"""Sakimori protects workloads in AWS: it finds attacks and weaknesses, ranks them by risk and applies protection."""

__version__ = "0.1.0"
