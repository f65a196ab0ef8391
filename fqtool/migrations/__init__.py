"""Plans, files and the ledger of what was done."""
