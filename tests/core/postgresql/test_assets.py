"""Listing, search and keeping of assets: the very tests that SQLite passes."""

from __future__ import annotations

from core.assets.conftest import clip, database, job, keep, picture, settings, store  # noqa: F401
from core.assets.test_keeping import *  # noqa: F403
from core.assets.test_leftovers import (  # noqa: F401  # noqa: F401
    clean,
    given,
    test_many_rows_are_read_in_pages,
    test_what_a_job_a_recipe_or_a_session_names_stays,
)
from core.assets.test_listing import *  # noqa: F403
from core.assets.test_search import (  # noqa: F401
    test_no_search_text_breaks_the_query,
    test_search_words,
)
from core.assets.test_store import (  # noqa: F401
    test_an_asset_is_a_file_with_its_recipe_a_thumbnail_and_a_row,
    test_many_threads_at_once,
)
from core.assets.test_sweep import (  # noqa: F401
    test_a_failed_transaction_leaves_no_row_and_the_sweep_takes_the_file,
)
