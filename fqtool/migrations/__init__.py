"""Plans, files, ledger rows, rollback, legality: values only."""
