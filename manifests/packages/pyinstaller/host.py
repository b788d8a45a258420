import sys

from poterne.native import main

sys.exit(main())
