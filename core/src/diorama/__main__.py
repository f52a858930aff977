"""``python -m diorama``."""

import sys

from diorama.cli.main import main

sys.exit(main())
