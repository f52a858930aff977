"""Enlarging pictures and videos with small convolutional networks, tile by tile."""
