"""From a version's list of files to a checked file in a models folder."""
