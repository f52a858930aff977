"""Finding and loading backends, and routing a call to its one owner."""
