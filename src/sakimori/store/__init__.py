"""Where things are kept: records in the lake (Parquet files), everything else in the ledger (SQL)."""
