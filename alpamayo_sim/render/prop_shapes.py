"""Props: everything of CARLA's `static.prop.*`, each filling the box from (-1, -1, 0) to (1, 1, 2), its long side along x.

Instances stretch them to the blueprint's box, so that a bench is as long as its collision box says.
"""

from __future__ import annotations

from collections.abc import Callable

from alpamayo_sim.render import garden_props, litter_props, road_works_props, street_props
from alpamayo_sim.render.mesh import Mesh, MeshBuilder

PROPS: dict[str, Callable[[MeshBuilder], None]] = {
    part.__name__: part
    for part in (
        litter_props.box,
        road_works_props.cone,
        road_works_props.barrel,
        road_works_props.barrier,
        road_works_props.chain,
        road_works_props.post,
        road_works_props.works_sign,
        road_works_props.accident_sign,
        road_works_props.arrow_trailer,
        street_props.bin_with_lid,
        street_props.litter_bin,
        street_props.bench,
        street_props.low_bench,
        street_props.vending_machine,
        street_props.cash_machine,
        street_props.skip,
        street_props.recycling,
        litter_props.carton,
        litter_props.creased_carton,
        litter_props.debris,
        litter_props.litter,
        litter_props.rubbish_heap,
        litter_props.bag,
        litter_props.suitcase,
        litter_props.shopping_bag,
        street_props.bus_shelter,
        street_props.advert,
        street_props.kiosk,
        street_props.mailbox,
        garden_props.plant_pot,
        garden_props.broad_tree,
        garden_props.palm,
        garden_props.cypress,
        garden_props.chair,
        garden_props.table,
        street_props.fountain,
        street_props.drinking_fountain,
        garden_props.hay_bale,
        road_works_props.street_sign,
        litter_props.helmet,
        litter_props.cart,
        garden_props.frame,
        garden_props.slide,
        garden_props.trampoline,
        garden_props.garden_lamp,
        garden_props.gnome,
        garden_props.hut,
        road_works_props.plank,
        litter_props.tile,
        litter_props.can,
        garden_props.barbecue,
    )
}
"""The props by name."""

SHAPES: tuple[tuple[str, str], ...] = (
    ("cone", "cone"), ("barrel", "barrel"), ("streetbarrier", "barrier"), ("chainbarrierend", "post"),
    ("chainbarrier", "chain"), ("warningconstruction", "works_sign"), ("warningaccident", "accident_sign"),
    ("trafficwarning", "arrow_trailer"), ("trashcan02", "litter_bin"), ("trashcan", "bin_with_lid"),
    ("trashbag", "bag"), ("plasticbag", "bag"), ("shoppingbag", "shopping_bag"), ("bench01", "bench"),
    ("bench", "low_bench"), ("vending", "vending_machine"), ("atm", "cash_machine"), ("clothcontainer", "skip"),
    ("glasscontainer", "recycling"), ("container", "skip"), ("creasedbox", "creased_carton"), ("mailbox", "mailbox"),
    ("box0", "carton"), ("dirtdebris", "debris"), ("platformgarbage", "rubbish_heap"), ("garbage", "litter"),
    ("briefcase", "suitcase"), ("travelcase", "suitcase"), ("guitarcase", "suitcase"), ("purse", "suitcase"),
    ("busstop", "bus_shelter"), ("advertisement", "advert"), ("maptable", "advert"), ("kiosk", "kiosk"),
    ("foodcart", "kiosk"), ("plantpot", "plant_pot"), ("aporosatree", "broad_tree"), ("coconutpalm", "palm"),
    ("cypress", "cypress"), ("chair", "chair"), ("table", "table"), ("streetfountain", "drinking_fountain"),
    ("fountain", "fountain"), ("haybale", "hay_bale"), ("streetsign", "street_sign"), ("helmet", "helmet"),
    ("shoppingcart", "cart"), ("shoppingtrolley", "suitcase"), ("pergola", "frame"), ("swing", "frame"),
    ("clothesline", "frame"), ("slide", "slide"), ("trampoline", "trampoline"), ("gardenlamp", "garden_lamp"),
    ("gnome", "gnome"), ("doghouse", "hut"), ("ironplank", "plank"), ("calibrator", "plank"), ("mobile", "plank"),
    ("brokentile", "tile"), ("colacan", "can"), ("wateringcan", "can"), ("barbeque", "barbecue"),
    ("bin", "bin_with_lid"), ("barrier", "barrier"),
)  # fmt: skip
"""(part of a blueprint's id, prop), the first that fits counts."""


def prop_of(type_id: str) -> str:
    """Return the name of the prop that a blueprint of `static.prop.*` looks like; a plain box where there is none."""
    name = type_id.lower().removeprefix("static.prop.")
    return next((prop for part, prop in SHAPES if part in name), "box")


def prop_mesh(name: str) -> Mesh:
    """Return the mesh of a prop."""
    builder = MeshBuilder()
    PROPS[name](builder)
    return builder.build()
