"""The registry in the words of other tools: one file per tool, each a function from Registry to text."""
