"""People and other systems are told: what is new, once, through the routes that fit, in the language of the reader.

`channels/` holds one file a way of telling; `texts.yml` every text, in English and Japanese; `routes.py` says who is
told what; `outbox.py` keeps what is to be sent until it was; `sender.py` sends it, `notifier.py` what is new in the
ledger. `outside.py` is the one way out over HTTP, `signing.py` and `asking.py` make the links that let people
acknowledge and decide.
"""
