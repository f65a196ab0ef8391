"""fqtool backfill."""
