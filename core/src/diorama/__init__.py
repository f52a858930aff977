"""Diorama: one catalog behind one engine for image and video generation."""

__version__ = "0.1.0"
