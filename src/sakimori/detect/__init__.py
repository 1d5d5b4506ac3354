"""Findings from records: rules in Sigma, compiled once into one representation that every execution shares."""
