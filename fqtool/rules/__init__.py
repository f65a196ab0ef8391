"""What may be wrong: one function a rule."""
