"""Workflows and checkpoints as models of the catalog."""
