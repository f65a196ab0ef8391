"""The registry: model, reading, and checks of its text."""
