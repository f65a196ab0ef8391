"""fqtool keeps an ML feature store's schema and data quality true, from one file."""
