"""`python -m bot` is `liqbot`."""

from bot.cli import main

if __name__ == "__main__":
    main()
