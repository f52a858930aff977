"""Keys, secrets and the guarded way to the network."""
