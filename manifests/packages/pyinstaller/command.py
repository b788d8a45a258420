import sys

from poterne.cli import main

sys.exit(main())
