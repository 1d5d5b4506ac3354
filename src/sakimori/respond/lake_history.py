"""Who wrote to a bucket before, from CloudTrail's data events in the lake: what `history.usual` asks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sakimori.model.said import say
from sakimori.respond.errors import RespondError
from sakimori.respond.history import Writer, Writers

_BUCKET = re.compile(r"[a-zA-Z0-9._-]{3,255}")


def lake_writers(lake: Path, ledger: str | Path) -> Writers:
    """Who wrote to a bucket as the lake knows it."""

    def writers(bucket: str, until: int) -> Sequence[Writer]:
        from sakimori.store.engines.duckdb import QueryError, connect
        from sakimori.store.lake import LakeError, open_lake
        from sakimori.store.ledger import LedgerError, open_ledger

        if not _BUCKET.fullmatch(bucket):
            raise RespondError(say("{bucket} is no name of a bucket", bucket=repr(bucket)))
        sql = f"""
            SELECT coalesce(actor.session.issuer, actor.user.uid) AS who, min(time), max(time) FROM cloudtrail
            WHERE api.service.name = 's3.amazonaws.com' AND api.response.error IS NULL
              AND api.operation IN ('PutObject', 'CopyObject', 'CompleteMultipartUpload')
              AND json_extract_string(request_parameters, '$.bucketName') = '{bucket}'
            GROUP BY 1 HAVING who IS NOT NULL
        """  # noqa: S608 - a bucket's name has letters, digits, dots and dashes only
        try:
            with open_ledger(ledger) as known, connect(open_lake(lake), known, None, until) as database:
                columns = [batch.to_pydict().values() for batch in database.query(sql).batches]
        except (QueryError, LakeError, LedgerError) as error:
            raise RespondError(say("the lake: {error}", error=error)) from error
        return [Writer(*row) for batch in columns for row in zip(*batch, strict=True)]

    return writers
