"""One file a check: what is wrong with who can do what. The file's name is the check's id and the finding's rule.

A check is a module with `CHECK`, its declaration, and `exposures(found)`, which yields what is wrong and what it could
not decide. Every exposure has a witness: requests that the engine allows.
"""

from __future__ import annotations
