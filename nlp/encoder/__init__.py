"""The encoder: one pass of a small Chinese transformer answers every question about a text."""
