"""Talking to ComfyUI servers."""
