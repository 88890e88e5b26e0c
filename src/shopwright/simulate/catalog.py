"""What the shop sells: categories, brands, products, and prices that change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import Floats, Ints, Texts, Versions, group_offsets, spread_ids
from shopwright.simulate.seasonality import DAY

if TYPE_CHECKING:
    from shopwright.simulate.config import SimulationConfig
    from shopwright.simulate.seasonality import Period

DEPARTMENTS = {
    "electronics": "smartphone tablet clocks audio.headphone audio.speaker video.tv video.projector camera.photo "
    "camera.video telephone",
    "computers": "notebook desktop components.memory components.cpu components.videocards peripherals.mouse "
    "peripherals.keyboard peripherals.printer monitor network",
    "appliances": "kitchen.washer kitchen.refrigerators kitchen.microwave kitchen.kettle kitchen.blender "
    "kitchen.coffee_machine environment.vacuum environment.air_conditioner personal.hair_dryer iron",
    "furniture": "living_room.sofa living_room.cabinet living_room.chair bedroom.bed bedroom.mattress kitchen.table "
    "kitchen.stool bathroom.shelf office.desk garden.bench",
    "apparel": "shoes.sneakers shoes.boots shoes.sandals shirt tshirt jeans dress skirt jacket underwear",
    "accessories": "bag wallet umbrella belt scarf hat gloves sunglasses watch jewelry.ring",
    "beauty": "makeup.lipstick makeup.mascara makeup.foundation nails.polish nails.lamp skin.cream skin.serum "
    "hair.shampoo hair.dye perfume",
    "kids": "toys.blocks toys.dolls toys.cars carriage swing diapers bottles books costumes skates",
    "sport": "bicycle trainer.treadmill trainer.bike tennis ski snowboard swimming yoga.mat camping.tent "
    "camping.lamp",
    "home": "textile.towel textile.bedding lighting.lamp lighting.bulb decor.mirror decor.vase storage.box "
    "kitchenware.pan kitchenware.knife kitchenware.plates",
    "construction": "tools.drill tools.saw tools.welding tools.light paint.wall paint.wood faucet tiles door "
    "insulation",
    "auto": "tyres battery oil wipers player compressor radar videoregister seat lamp",
    "stationery": "paper pens markers notebooks folders glue calendar stapler cartridge whiteboard",
}
CATEGORIES = tuple(f"{name}.{leaf}" for name, leaves in DEPARTMENTS.items() for leaf in leaves.split())
"""All category paths; a small catalog uses the first few of each department."""

_HEADS = "al ben cor dar el fen gor hel is jor kal lum mar nor or pel qui ros sol tam ul ver wil xan zel"
_TAILS = "ana bex dia eko fin gard ino lux mond via"
BRANDS = tuple(head + tail for head in _HEADS.split() for tail in _TAILS.split())
"""250 invented brands."""

NO_BRAND_SHARE = 0.14
NO_CATEGORY_CODE_SHARE = 1 / 3
PRICE_SPREAD, PRICE_STEP = 0.55, 0.09
"""Standard deviations of the log price within a category, and of one price change."""
CURRENCY = "EUR"


@dataclass(frozen=True)
class Catalog:
    """Products ordered by category, and every price they had; arrays have one entry a product."""

    number: Ints
    """The product's id in exports, 7 or 8 digits."""
    category: Ints
    """Position in ``category_paths``, ascending."""
    category_paths: tuple[str, ...]
    category_numbers: Ints
    """19-digit id of each category."""
    brand: Texts
    """Empty where the product has none."""
    has_category_code: Ints
    """0 where a click-only export leaves the category path empty."""
    typical_cents: Floats
    """Median price of each category."""
    versions: Versions
    """Prices by product and time."""
    cents: Ints
    """Price of each version."""

    @property
    def size(self) -> int:
        """Number of products."""
        return len(self.number)

    def price_at(self, product: Ints, at: Ints) -> Ints:
        """Return price in cents of each product at each time."""
        return self.cents[self.versions.at(product, at)]

    def pick(self, category: Ints, rng: np.random.Generator) -> Ints:
        """Draw one product of each category given; a category's first products are the popular ones."""
        offsets = np.searchsorted(self.category, np.arange(len(self.category_paths) + 1))
        counts = np.diff(offsets)[category]
        return offsets[category] + (counts * rng.random(len(category)) ** 2.2).astype(np.int64)

    def names(self) -> Texts:
        """Return name of each product, as shown to shoppers."""
        things = [path.rsplit(".", 1)[-1].replace("_", " ") for path in self.category_paths]
        return np.array(
            [
                f"{brand.capitalize() or 'No-name'} {things[category]} {number % 1000}"
                for brand, category, number in zip(self.brand, self.category, self.number, strict=True)
            ],
            dtype=object,
        )


def draw_catalog(config: SimulationConfig, period: Period, rng: np.random.Generator) -> Catalog:
    """Draw the catalog and its prices over the period."""
    size = config.products
    paths = _categories(min(len(CATEGORIES), max(1, size // 5)))
    category = np.sort(
        np.concatenate([np.arange(len(paths)), rng.integers(0, len(paths), size - len(paths))])
    )
    typical = np.exp(rng.normal(np.log(4_000), 1.0, len(paths)))
    versions, cents = _draw_prices(config, period, typical[category], rng)
    brand = np.array([BRANDS[code] for code in rng.integers(0, len(BRANDS), size)], dtype=object)
    brand[rng.random(size) < NO_BRAND_SHARE] = ""
    return Catalog(
        number=rng.permutation(spread_ids(1_000_000, 60_000_000, size, rng)),
        category=category,
        category_paths=paths,
        category_numbers=spread_ids(2_053_013_551_000_000_000, 2_053_013_566_999_999_999, len(paths), rng),
        brand=brand,
        has_category_code=(rng.random(size) >= NO_CATEGORY_CODE_SHARE).astype(np.uint8),
        typical_cents=typical,
        versions=versions,
        cents=cents,
    )


def _categories(count: int) -> tuple[str, ...]:
    spread = np.linspace(0, len(CATEGORIES) - 1, count).round().astype(int)
    return tuple(sorted(CATEGORIES[position] for position in spread))


def _draw_prices(
    config: SimulationConfig, period: Period, typical: Floats, rng: np.random.Generator
) -> tuple[Versions, Ints]:
    """Return prices of every product: the first from before the period, then a random walk of changes."""
    size = len(typical)
    changes = rng.poisson(config.price_changes_per_year * period.years, size)
    counts = changes + 1
    owner = np.repeat(np.arange(size), counts)
    is_first = np.zeros(len(owner), dtype=bool)
    is_first[group_offsets(counts)[:-1]] = True
    since = rng.integers(period.start, period.end, len(owner))
    since[is_first] = period.start - rng.integers(DAY, 400 * DAY, size)
    since = since[np.lexsort((since, owner))]
    steps = rng.normal(0, PRICE_STEP, len(owner))
    steps[is_first] = np.log(typical) + rng.normal(0, PRICE_SPREAD, size)
    walk = np.cumsum(steps)
    offsets = group_offsets(counts)[:-1]
    before = np.concatenate([[0.0], walk])[offsets]
    return Versions(owner, since), _shelf_price(np.exp(walk - np.repeat(before, counts)))


def _shelf_price(cents: Floats) -> Ints:
    """Round to a price as shops print it, ending in 9 cents, between 0.49 and 9,999.99."""
    return (np.clip(np.round(cents / 10), 5, 100_000) * 10 - 1).astype(np.int32)
