"""The products of the generated shop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from faker import Faker

# category -> goods, and the median price in currency units
CATEGORIES: dict[str, tuple[float, tuple[str, ...]]] = {
    "Groceries": (3.0, ("Coffee", "Olive Oil", "Pasta", "Tea", "Chocolate", "Honey", "Rice")),
    "Household": (5.0, ("Detergent", "Sponge Set", "Candle", "Storage Box", "Bin Bags", "Towel")),
    "Beauty": (7.0, ("Shampoo", "Soap", "Hand Cream", "Perfume", "Brush", "Lipstick")),
    "Home": (14.0, ("Cushion", "Lamp", "Vase", "Frame", "Blanket", "Rug")),
    "Toys": (11.0, ("Puzzle", "Board Game", "Teddy", "Blocks", "Doll", "Kite")),
    "Garden": (9.0, ("Seeds", "Planter", "Gloves", "Hose", "Lantern", "Trowel")),
    "Clothing": (18.0, ("Scarf", "Shirt", "Socks", "Jumper", "Hat", "Apron")),
    "Electronics": (28.0, ("Headphones", "Charger", "Speaker", "Torch", "Cable", "Clock")),
}
PRODUCTS_PER_CATEGORY = 75
_BRANDS = 40
# names of the world outside ASCII, as an encoding error spoils them
_FOREIGN_BRANDS = ("Zoë", "Müller", "Café Rêve", "Björk", "Señor", "Noël", "Søren", "Chloé")


@dataclass(frozen=True)
class Catalogue:
    """The products of a shop.

    Attributes
    ----------
    products
        The raw table, sorted by category and price.
    cents
        List prices, shape (categories, products), ascending in each row.
    by_brand
        Position of a brand's cheapest product in a category, -1 without one; shape (categories,
        brands).
    """

    products: pd.DataFrame
    cents: np.ndarray
    by_brand: np.ndarray


def draw_catalogue(rng: np.random.Generator, faker: Faker) -> Catalogue:
    """Draw the products: some expensive, most cheap, in every category."""
    shape = (len(CATEGORIES), PRODUCTS_PER_CATEGORY)
    medians = np.array([median for median, _ in CATEGORIES.values()])
    price = medians[:, None] * np.exp(rng.normal(0.0, 0.7, shape))
    cents = np.sort(np.maximum(np.rint(price * 20) * 5, 25).astype("int64"), axis=1)
    surnames = [faker.unique.last_name() for _ in range(_BRANDS - len(_FOREIGN_BRANDS))]
    brands = (*surnames, *_FOREIGN_BRANDS)
    brand = rng.integers(0, _BRANDS, shape)
    by_brand = np.full((len(CATEGORIES), _BRANDS), -1)
    for row, column in reversed(list(np.ndindex(shape))):
        by_brand[row, brand[row, column]] = column
    names = [
        f"{brands[brand[row, column]]} {goods[column % len(goods)]} {column // len(goods) + 1}"
        for row, (_, goods) in enumerate(CATEGORIES.values())
        for column in range(PRODUCTS_PER_CATEGORY)
    ]
    products = pd.DataFrame(
        {
            "product_id": [f"P{number:05d}" for number in range(1, cents.size + 1)],
            "product_name": names,
            "product_category": np.repeat(list(CATEGORIES), PRODUCTS_PER_CATEGORY),
            "unit_price": cents.ravel(),
            "current_stock_level": rng.integers(0, 500, cents.size),
        }
    )
    return Catalogue(products, cents, by_brand)
