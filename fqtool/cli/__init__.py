"""The command line: parses, prints what verbs return, exits with the codes of `fqtool.errors`."""
