"""python -m fqtool is fqtool."""

from fqtool.cli.app import main

if __name__ == "__main__":
    main()
