"""Conversations and sessions."""
