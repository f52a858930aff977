"""Opening models, keeping them in memory, and running them."""
