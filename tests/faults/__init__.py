"""The fault matrix: every fault at every request of every command that talks to BigQuery. `make faults` runs it."""
