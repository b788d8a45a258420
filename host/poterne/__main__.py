import sys

from poterne.cli.main import main

sys.exit(main())
