"""Which models there are: the shipped list, the user's own, folders and files, and what lies on disk."""
