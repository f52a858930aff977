"""Records of the engine as the plain values that are answered."""
