"""Chinese text to marks. Knows text, not databases."""
