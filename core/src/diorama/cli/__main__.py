"""``python -m diorama.cli``."""

import sys

from diorama.cli.main import main

sys.exit(main())
