"""Run fqtool with `python -m fqtool`."""

from fqtool.app.app import main

if __name__ == "__main__":
    main()
