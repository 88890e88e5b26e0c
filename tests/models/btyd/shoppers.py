"""Customers whose parameters are known, drawn by the stories that the models tell."""

from __future__ import annotations

import numpy as np

from shopwright.models.btyd import FitReport, PurchaseHistory

AGES = (30.0, 60.0)


def report(**known):
    return FitReport(**{"log_likelihood": 0.0, "customers": 0, "converged": True, "unit_days": 7.0} | known)


def history(frequency, recency, age, value=None):
    value = np.full(len(age), np.nan) if value is None else value
    return PurchaseHistory(frequency, recency, age, value)


def pareto(parameters, count, *, later, seed):
    """Histories at a random age, and purchases in the time after it."""
    r, alpha, s, beta = parameters
    rng = np.random.default_rng(seed)
    age = rng.uniform(*AGES, count)
    rate, life = rng.gamma(r, 1 / alpha, count), rng.exponential(size=count) / rng.gamma(s, 1 / beta, count)
    lived = np.minimum(life, age)
    x = rng.poisson(rate * lived).astype(float)
    recency = np.where(x > 0, lived * rng.random(count) ** (1 / np.maximum(x, 1)), 0.0)
    return history(x, recency, age), rng.poisson(rate * np.clip(life - age, 0, later))


def beta_geometric(parameters, count, *, first_occasions, later, seed):
    """The same, where customers leave after purchases; the first is an occasion to leave or not."""
    r, alpha, a, b = parameters
    rng = np.random.default_rng(seed)
    age = rng.uniform(*AGES, count)
    rate, leaves = rng.gamma(r, 1 / alpha, count), rng.beta(a, b, count)
    alive = rng.random(count) >= leaves * first_occasions
    now, x, recency, future = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
    while alive.any():
        now = now + rng.exponential(size=count) / rate
        alive &= now < age + later
        seen = alive & (now <= age)
        x, future = x + seen, future + (alive & ~seen)
        recency = np.where(seen, now, recency)
        alive &= rng.random(count) >= leaves
    return history(x, recency, age), future
