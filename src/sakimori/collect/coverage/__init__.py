"""Coverage: proof that nothing was missed of what CloudTrail delivered, or the name of everything that was.

`engine.py` reconciles the bucket, CloudTrail's digest chain (`digest.py`, `digest_chain.py`) and the ledger.
"""
