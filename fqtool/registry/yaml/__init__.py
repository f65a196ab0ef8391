"""YAML with positions: the place of each value, and edits that keep the rest of the text."""
