"""The tools that exports are for, in an environment of their own: they pin what fqtool uses otherwise."""
