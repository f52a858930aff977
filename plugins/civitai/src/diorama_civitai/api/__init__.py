"""Talking to Civitai: addresses, requests, answers."""
