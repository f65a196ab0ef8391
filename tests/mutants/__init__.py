"""Changes that no test notices: `make mutants` asks mutmut, and writes bench/mutants.md."""
