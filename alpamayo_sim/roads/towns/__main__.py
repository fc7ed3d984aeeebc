"""Regenerates the shipped towns: `python -m alpamayo_sim.roads.towns`."""

from __future__ import annotations

from alpamayo_sim.roads.towns import DATA_DIR
from alpamayo_sim.roads.towns.generate import BUILDERS, generate


def main() -> None:
    """Writes every town's file into the package's data folder."""
    DATA_DIR.mkdir(exist_ok=True)
    for name in BUILDERS:
        path = DATA_DIR / f"{name}.xodr"
        path.write_text(generate(name), encoding="utf-8", newline="\n")
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
