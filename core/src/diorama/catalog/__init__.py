"""One list over all backends."""
