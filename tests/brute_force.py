"""Re-simulate a customer's future from the posterior, by nothing but the definition of the process.

Latent values are drawn from the prior and weighted by how likely they make the history; futures
are then played purchase by purchase. No formula of `generate/shop/posterior.py` is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generate.shop.calendar_intensity import Calendar
from generate.shop.process import Process


@dataclass(frozen=True)
class Story:
    """One customer's history: purchases as (day with fraction, money, lines)."""

    segment: int
    region: int
    member: bool
    registered: int
    purchases: tuple[tuple[float, float, int], ...]
    returned: tuple[float, ...] = ()  # day of return by purchase, infinite if not


def play(
    process: Process,
    calendar: Calendar,
    story: Story,
    day: int,
    horizon: int,
    draws: int,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return mean net spend and share of buyers of `draws` futures from `day` on."""
    kind, rate, drop, level, alive = _posterior_draws(process, calendar, story, day, draws, rng)
    net, buys = np.zeros(draws), np.zeros(draws, dtype=bool)
    begin = calendar.cumulated[day]
    end = calendar.cumulated[day + horizon]
    moment, living = np.full(draws, begin), alive.copy()
    while living.any():
        moment = moment + rng.exponential(1 / rate)
        living &= moment < end
        who = np.flatnonzero(living)
        time = calendar.time_at(moment[who])
        on = np.floor(time).astype(int)
        spread = np.array([one.basket_spread for one in process.kinds])[kind[who]]
        extra = np.array([one.extra_lines for one in process.kinds])[kind[who]]
        money = np.exp(rng.normal(level[who], spread)) * calendar.price_index[on]
        lines = 1 + rng.poisson(extra)
        net[who] += money
        buys[who] = True
        back = on + _lag(process, len(who), rng)
        comes = (rng.random(len(who)) < process.returns.share) & (back < day + horizon)
        net[who] -= comes * _part(process, money, lines, rng)
        living[who] = rng.random(len(who)) >= drop[who]
    for number, (time, money, lines) in enumerate(story.purchases):
        if story.returned and story.returned[number] < day:
            continue
        net -= _still_to_come(process, int(time), money, lines, day, horizon, draws, rng)
    return float(net.mean()), float(buys.mean())


def _posterior_draws(
    process: Process,
    calendar: Calendar,
    story: Story,
    day: int,
    draws: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    kind = (rng.random(draws) < process.trader_share[story.segment]).astype(int)

    def of_kind(name: str) -> np.ndarray:
        return np.array([getattr(one, name) for one in process.kinds])[kind]

    mean = of_kind("rate_mean") * process.segment_rate[story.segment]
    mean = mean * (process.member_rate if story.member else 1)
    shape = of_kind("rate_shape")
    rate = rng.gamma(shape, mean / shape)
    b = of_kind("drop_b") * (process.member_drop_b if story.member else 1)
    drop = rng.beta(of_kind("drop_a"), b)
    region = process.region_level[story.region]
    level = rng.normal(of_kind("level_mean") + region, of_kind("level_spread"))

    entry = calendar.cumulated[max(story.registered, 0)]
    log = np.zeros(draws)
    for number, (time, money, lines) in enumerate(story.purchases):
        basket = np.log(money / calendar.price_index[int(time)])
        spread, extra = of_kind("basket_spread"), of_kind("extra_lines")
        log += np.log(rate) - np.log(spread) - (basket - level) ** 2 / (2 * spread**2)
        log += (lines - 1) * np.log(extra) - extra
        if number:
            log += np.log1p(-drop)
    now = calendar.cumulated[day]
    last = calendar.cumulated_at(story.purchases[-1][0]) if story.purchases else entry
    stayed = np.log1p(-drop) if story.purchases else np.zeros(draws)
    with_alive = log + stayed - rate * (now - entry)
    with_gone = log + np.log(drop) - rate * (last - entry)
    top = max(with_alive.max(), with_gone.max())
    weight_alive = np.exp(with_alive - top)
    weight_gone = np.exp(with_gone - top) if story.purchases else np.zeros(draws)
    weight = weight_alive + weight_gone
    picked = rng.choice(draws, draws, p=weight / weight.sum())
    alive = rng.random(draws) < (weight_alive / weight)[picked]
    return kind[picked], rate[picked], drop[picked], level[picked], alive


def _lag(process: Process, count: int, rng: np.random.Generator) -> np.ndarray:
    shortest, longest = process.returns.lag
    return rng.integers(shortest, longest + 1, count)


def _part(
    process: Process, money: np.ndarray, lines: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """All of a basket, or one of its exchangeable lines: in the mean its share."""
    whole = rng.random(len(money)) < process.returns.whole
    return np.where(whole, money, money / lines)


def _still_to_come(
    process: Process,
    on: int,
    money: float,
    lines: int,
    day: int,
    horizon: int,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Play the return of an earlier purchase that has not come back before the day."""
    back = np.where(
        rng.random(draws * 4) < process.returns.share, on + _lag(process, draws * 4, rng), np.inf
    )
    back = back[back >= day][:draws]
    assert len(back) == draws
    part = _part(process, np.full(draws, money), np.full(draws, lines), rng)
    return np.where(back < day + horizon, part, 0.0)
