"""Engines that run SQL over the lake."""
