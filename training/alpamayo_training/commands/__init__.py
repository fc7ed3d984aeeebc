"""One file for each subcommand of `alpamayo`: its arguments as a frozen dataclass, and `run`."""
