"""The shape in which CloudTrail delivers to S3, which the quick ways of reading know.

`{"Records":[...]}` without spaces, every record beginning with its eventVersion. Any other shape is for `records.py`.
"""

from __future__ import annotations

OPENING, CLOSING = b'{"Records":[', b"]}"
START = b'{"eventVersion":'
"""How every record begins."""
