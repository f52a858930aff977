"""Where backends run."""
