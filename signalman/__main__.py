"""``python -m signalman``."""

from signalman.cli import main

main()
