"""GoogleSQL expressions: grammar, types, functions, simplification."""
