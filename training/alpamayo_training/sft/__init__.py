"""Supervised training of a driving model: words, trajectory tokens and the action expert."""
