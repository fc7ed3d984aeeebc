"""Writes the packaged blueprint catalogue from the long form: `python -m alpamayo_sim.world.compact_blueprints SOURCE TARGET`.

The long form keeps the origin of every value beside it; the packaged form keeps the values.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ATTRIBUTE_TYPES = {"Bool": 1, "Int": 2, "Float": 3, "String": 4, "RGBColor": 5}


def compact(source: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one flat record a blueprint: id, tags, attributes, and box and vehicle facts where there are any."""
    records: list[dict[str, Any]] = []
    for blueprint in source["blueprints"]:
        record: dict[str, Any] = {
            "id": blueprint["id"],
            "tags": ",".join(blueprint["tags"]),
            "attributes": [
                [
                    attribute["id"],
                    ATTRIBUTE_TYPES[attribute["type"]],
                    attribute["default"],
                    attribute["recommended_values"],
                    attribute["modifiable"],
                    attribute["restrict_to_recommended"],
                ]
                for attribute in blueprint["attributes"]
            ],
        }
        if (box := blueprint.get("bounding_box")) is not None:
            record["extent"] = [box["extent"][axis] for axis in "xyz"]
            record["box_center"] = [box["location"][axis] for axis in "xyz"]
        if (vehicle := blueprint.get("vehicle")) is not None:
            record["vehicle"] = {
                "base_type": vehicle["base_type"] or vehicle["docs_base_type"],
                **{
                    key: vehicle[key]
                    for key in (
                        "special_type",
                        "generation",
                        "number_of_wheels",
                        "has_lights",
                        "has_dynamic_doors",
                    )
                },
            }
        records.append(record)
    return records


def main(arguments: list[str]) -> int:
    """Read SOURCE, write TARGET, one blueprint a line; the exit code is 2 when the arguments are not two paths."""
    if len(arguments) != 2:
        print("usage: python -m alpamayo_sim.world.compact_blueprints SOURCE.json TARGET.json", file=sys.stderr)
        return 2
    records = compact(json.loads(Path(arguments[0]).read_text()))
    lines = ",\n".join(json.dumps(record, separators=(",", ":")) for record in records)
    Path(arguments[1]).write_text(f"[\n{lines}\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
