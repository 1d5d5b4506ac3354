"""People and other systems are told: what is new, once, through the routes that fit, in the language of the reader.

`channels/` holds one file a way of telling; `texts.yml` every text, in English and Japanese; `routes.py` says who is
told what; `notifier.py` sends, and remembers what was sent.
"""
