"""Drivers that record what they see, what they know and what they mean to do, for others to learn from."""
