"""Poterne in a throw-away browser profile, with the demonstration's mail servers: what `make run` starts."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tests.browser.show import main

    sys.exit(main(sys.argv[1:]))
