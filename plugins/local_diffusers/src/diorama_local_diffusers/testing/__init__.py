"""Tiny random pipelines of every family, for tests: real classes and files, no meaning, under 4 MB each."""
