"""The typer app: every command by name, each loaded when it is called."""
