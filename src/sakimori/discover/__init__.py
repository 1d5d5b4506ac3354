"""Discovery: what an organisation's accounts hold, as assets and relations, and the name of all that could not be seen.

Each file in `services/` declares an AWS service's calls and what their answers mean (`declare.py`). `engine.py` is the
one algorithm: it asks a source (`live.py`: AWS; `snapshot.py`: a folder of answers) and turns answers into assets. An
answer is the same from either, so a snapshot discovers what the account itself would have. `config_export.py` reads AWS
Config's exports into the same assets. No verdicts here: those are for `assess/`.
"""
