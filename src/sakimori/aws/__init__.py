"""Talking to AWS: sessions, paging, retries, and one error for every way AWS says no. Knows no service's meaning."""
