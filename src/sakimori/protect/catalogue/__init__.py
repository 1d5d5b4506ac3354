"""The rules that the manager gives out, written by us: data files, their schema, and how they are read.

`data/` holds one file a rule in a folder a kind; the file's name is the rule's `slug`. Ids never change and are never
used again (`tests/protect/catalogue_ids.txt` holds them).
"""
