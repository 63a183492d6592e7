"""Themes among texts: where they lie (`density`), and what they are called (`words`)."""
