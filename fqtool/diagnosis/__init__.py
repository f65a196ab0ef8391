"""From stored rows to a named cause: the evidence of some dates, the signs in it, and what explains them together."""
