"""Who may talk to this server, and how much."""
