"""Background activity around the ego: traffic that is there where the ego is, and that makes room for scenarios."""
