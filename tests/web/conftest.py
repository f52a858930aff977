"""Servers for every test of this folder."""

from web.served import locked, new_server, server

__all__ = ["locked", "new_server", "server"]
