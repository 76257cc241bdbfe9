"""Where the chance of the demo company comes from.

Only `random.Random(int).random()` is used: the one sequence that Python promises to keep between
versions. Every unit (a customer, the exchange rates, ...) has its own generator, seeded with the
first 8 bytes of SHA-256 over "seed/stream/index", so no unit depends on how many draws another
one made. Floats go through + - * / and square roots only: these are exact in IEEE 754, whereas
logarithms and powers may differ in the last bit from one C library to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from math import sqrt
from random import Random

Draw = Callable[[], float]


def unit_draw(seed: int, stream: str, index: int = 0) -> Draw:
    """The draws in [0, 1) of one unit."""
    digest = sha256(f"{seed}/{stream}/{index}".encode()).digest()
    return Random(int.from_bytes(digest[:8], "big")).random


def whole(draw: Draw, count: int) -> int:
    """A whole number in [0, count)."""
    return int(draw() * count)


def pareto_two(u: float, cap: float) -> float:
    """Pareto quantile with exponent 2 (finite mean, infinite variance), from 1 to `cap`."""
    return min(cap, 1.0 / sqrt(1.0 - u))


def pareto_four_thirds(u: float, cap: float) -> float:
    """Pareto quantile with exponent 4/3 (a few customers make most of it), from 1 to `cap`."""
    root = sqrt(1.0 - u)
    return min(cap, 1.0 / (root * sqrt(root)))
