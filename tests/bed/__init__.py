"""The test bed: Google's own SQL analyser and a BigQuery server that runs on this machine."""
