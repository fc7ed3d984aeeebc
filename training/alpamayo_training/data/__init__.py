"""Recorded driving on disk: collecting it, putting it together, reading it."""
