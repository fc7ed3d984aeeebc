"""Runs inside gdb: prints, as JSON, the layouts that a CARLA client library's debug information tells.

Started by `check.py` as `gdb -batch -nx -x from_debug_info.py LIBRARY`; gdb's own Python runs it, so it imports nothing of ours.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import json
import re
from typing import Any

import gdb  # type: ignore[import-not-found]

PACKED = {
    "actor": "carla::sensor::data::ActorDynamicState",
    "episode_header": "carla::sensor::s11n::EpisodeStateSerializer::Header",
    "sensor_header": "carla::sensor::s11n::SensorHeaderSerializer::Header",
    "image_header": "carla::sensor::s11n::ImageSerializer::ImageHeader",
    "optical_flow_header": "carla::sensor::s11n::OpticalFlowImageSerializer::ImageHeader",
    "lidar_detection": "carla::sensor::data::LidarDetection",
    "semantic_lidar_detection": "carla::sensor::data::SemanticLidarDetection",
    "radar_detection": "carla::sensor::data::RadarDetection",
    "dvs_event": "carla::sensor::data::DVSEvent",
    "token": "carla::streaming::detail::token_data",
}
ENUMS = {
    "ActorAttributeType": "carla::rpc::ActorAttributeType",
    "ActorState": "carla::rpc::ActorState",
    "AttachmentType": "carla::rpc::AttachmentType",
    "CityObjectLabel": "carla::rpc::CityObjectLabel",
    "MapLayer": "carla::rpc::MapLayer",
    "SimulationState": "carla::sensor::s11n::EpisodeStateSerializer::SimulationState",
    "TrafficLightState": "carla::rpc::TrafficLightState",
    "VehicleDoor": "carla::rpc::VehicleDoor",
    "VehicleFailureState": "carla::rpc::VehicleFailureState",
    "VehicleLightState": "carla::rpc::VehicleLightState::LightState",
    "VehicleWheelLocation": "carla::rpc::VehicleWheelLocation",
}
# OpendriveGenerationParameters and LightState pack other things than their members in order, so they can not be derived.
PACKED_BY_MSGPACK = (
    "geom::BoundingBox",
    "geom::GeoLocation",
    "geom::Location",
    "geom::Rotation",
    "geom::Transform",
    "geom::Vector2D",
    "geom::Vector3D",
    "rpc::AckermannControllerSettings",
    "rpc::Actor",
    "rpc::ActorAttribute",
    "rpc::ActorAttributeValue",
    "rpc::ActorDefinition",
    "rpc::ActorDescription",
    "rpc::EnvironmentObject",
    "rpc::EpisodeInfo",
    "rpc::EpisodeSettings",
    "rpc::GearPhysicsControl",
    "rpc::LabelledPoint",
    "rpc::MapInfo",
    "rpc::VehicleAckermannControl",
    "rpc::VehicleControl",
    "rpc::VehiclePhysicsControl",
    "rpc::VehicleTelemetryData",
    "rpc::WalkerControl",
    "rpc::WeatherParameters",
    "rpc::WheelPhysicsControl",
    "rpc::WheelTelemetryData",
)


PLAIN = {"unsigned char": "u8", "unsigned short": "u16", "unsigned int": "u32", "unsigned long": "u64", "int": "i32"}


def find(name: str) -> Any:
    """Return a type by its full name, or None; gdb has to be asked for its unit first."""
    short = name.rsplit("::", 1)[-1]
    gdb.execute(f"info types {short}$", to_string=True)
    try:
        return gdb.lookup_type(name)
    except gdb.error:
        return None


def scalar(kind: Any) -> str:
    """Return a numpy-like code of a scalar type: f4, u8, i4, b1, S32."""
    kind = kind.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_ARRAY:
        element = kind.target().strip_typedefs()
        count = kind.sizeof // element.sizeof
        return f"S{count}" if element.sizeof == 1 else f"{count}{scalar(element)}"
    if kind.code == gdb.TYPE_CODE_FLT:
        return f"f{kind.sizeof}"
    if kind.code == gdb.TYPE_CODE_BOOL:
        return "b1"
    sign = "i" if kind.code == gdb.TYPE_CODE_INT and not str(kind).startswith("unsigned") else "u"
    return f"{sign}{kind.sizeof}"


def is_struct(kind: Any) -> bool:
    """Whether a type has members of its own."""
    return kind.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)


def flatten(kind: Any, base: int = 0, path: str = "") -> list[dict[str, Any]]:
    """Return every scalar member of a struct with its dotted path, type and offset in bytes, unions side by side."""
    found: list[dict[str, Any]] = []
    for field in kind.strip_typedefs().fields():
        if not hasattr(field, "bitpos"):
            continue
        offset = base + field.bitpos // 8
        inside = field.type.strip_typedefs()
        std_array = re.match(r"std::array<", str(inside))
        here = path if field.is_base_class or not field.name else f"{path}.{field.name}".lstrip(".")
        if std_array:
            found.append({"name": here, "type": f"S{inside.sizeof}", "offset": offset})
        elif is_struct(inside):
            found += flatten(inside, offset, here)
        else:
            found.append({"name": here, "type": scalar(inside), "offset": offset})
    return found


def packed() -> dict[str, Any]:
    """Return the structs that go over the wire as they lie in memory."""
    tables: dict[str, Any] = {}
    for name, full in PACKED.items():
        kind = find(full)
        tables[name] = None if kind is None else {"size": kind.sizeof, "fields": flatten(kind)}
    return tables


def enums() -> dict[str, dict[str, int] | None]:
    """Return the enumerations."""
    tables: dict[str, dict[str, int] | None] = {}
    for name, full in ENUMS.items():
        kind = find(full)
        if kind is None:
            tables[name] = None
            continue
        members = {f.name.rsplit("::", 1)[-1]: f.enumval for f in kind.strip_typedefs().fields()}
        tables[name] = {k: v for k, v in members.items() if k != "SIZE"}
    return tables


def answer(pattern: str) -> str:
    """Return the types that match a pattern, without the first line, which repeats it."""
    return gdb.execute(f"info types {pattern}", to_string=True).partition("\n")[2]


def arguments_of(text: str, template: str) -> list[str] | None:
    """Return the top-level arguments of the first `template<...>` in a text."""
    start = text.find(template + "<")
    if start < 0:
        return None
    depth, begin, found = 0, start + len(template) + 1, []
    for k in range(begin, len(text)):
        letter = text[k]
        if letter in "<(":
            depth += 1
        elif letter in ">)" and depth > 0:
            depth -= 1
        elif letter == ">" or (letter == "," and depth == 0):
            found.append(text[begin:k].strip())
            begin = k + 1
            if letter == ">":
                return found
    return None


def sensors() -> list[list[str]]:
    """Return (class, serializer) of the sensor types, in the order of their numbers."""
    text = answer("CompositeSerializer<")
    pairs = arguments_of(text, "CompositeSerializer") or []
    found: list[list[str]] = []
    for pair in pairs:
        inner = arguments_of(pair, "std::pair")
        if inner:
            found.append([inner[0].rstrip("*").strip(), inner[1].rsplit("::", 1)[-1]])
    return found


def commands() -> list[str]:
    """Return the batch commands in the order of their numbers."""
    text = answer("variant<carla::rpc::Command::SpawnActor")
    found = arguments_of(text[text.find("variant<carla::rpc::Command::SpawnActor") :], "variant") or []
    return [name.rsplit("::", 1)[-1] for name in found]


def short(name: str) -> str:
    """Return a type's name without what does not matter on the wire."""
    name = re.sub(r"\b(const|volatile|class|struct|enum|union)\b|&", "", name)
    name = re.sub(
        r"std::(__cxx11::)?basic_string<char, std::char_traits<char>, std::allocator<char> ?>", "string", name
    )
    name = name.replace("carla::rpc::", "").replace("carla::geom::", "").replace("carla::", "")
    name = re.sub(r"\s+", " ", name).replace(" >", ">").replace(" ,", ",").strip()
    name = re.sub(r"^std::vector<(.*), std::allocator<.*>+$", r"vector<\1>", name)
    for written, plain in PLAIN.items():
        name = re.sub(rf"\b{written}\b", plain, name)
    return name


def msgpack_tuples() -> set[tuple[str, ...]]:
    """Return the types of every tuple that the library packs as a msgpack array."""
    text = answer("define_array<")
    found: set[tuple[str, ...]] = set()
    for line in text.splitlines():
        types = arguments_of(line, "define_array")
        if types:
            found.add(tuple(short(name) for name in types))
    return found


def members(kind: Any) -> list[tuple[str, str]]:
    """Return (name, type) of a struct's own and inherited members."""
    found: list[tuple[str, str]] = []
    for field in kind.strip_typedefs().fields():
        if field.is_base_class:
            found += members(field.type)
        elif hasattr(field, "bitpos"):
            found.append((field.name, short(str(field.type.strip_typedefs()))))
    return found


def msgpack() -> dict[str, Any]:
    """Return, for each struct, the members that are packed, in order.

    The debug information has the tuples of types and the members of structs, but not which belongs to which: a struct's
    tuple is its longest leading run of members that is one. Null where there is none.
    """
    tuples = msgpack_tuples()
    tables: dict[str, Any] = {}
    for name in PACKED_BY_MSGPACK:
        kind = find(f"carla::{name}")
        tables[name.rsplit("::", 1)[-1]] = None
        if kind is None:
            continue
        own = members(kind)
        for count in range(len(own), 0, -1):
            if tuple(type_name for _, type_name in own[:count]) in tuples:
                tables[name.rsplit("::", 1)[-1]] = [list(member) for member in own[:count]]
                break
    return tables


def main() -> None:
    """Print the layouts as JSON between two marks."""
    gdb.execute("set pagination off")
    gdb.execute("set width 0")
    document = {
        "packed": packed(),
        "sensors": sensors(),
        "commands": commands(),
        "enums": enums(),
        "msgpack": msgpack(),
    }
    print("<<<LAYOUTS")
    print(json.dumps(document, indent=1))
    print("LAYOUTS>>>")


main()
