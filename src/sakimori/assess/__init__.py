"""Findings from assets: what an attacker could do with what is there."""
