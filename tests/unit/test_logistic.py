"""The logistic head finds the least of its function, dense and sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bots.nlu.logistic import C, Floats, Places, fit


def examples(intents: int, each: int, width: int) -> tuple[Floats, Places]:
    """Unit rows around a direction that all share and one of their intent's."""
    chance = np.random.default_rng(5)
    shared, own = chance.normal(size=width), chance.normal(size=(intents, width))
    owners = np.repeat(np.arange(intents), np.arange(each, each + intents))
    rows = 2 * shared + own[owners] + 1.5 * chance.normal(size=(len(owners), width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), owners


def cost(weights: Floats, bias: Floats, rows: Any, owners: Places) -> float:
    """What the head is to minimise, as the formula stands."""
    logits = np.asarray(rows @ weights.T, np.float64) + bias
    counts = np.bincount(owners)
    shares = len(owners) / (len(counts) * counts[owners])
    loss = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(owners)), owners]
    return float((shares * loss).sum() + (weights.astype(np.float64) ** 2).sum() / (2 * C))


@pytest.mark.parametrize("sparse", [False, True])
def test_no_other_solver_finds_a_better_head(sparse: bool) -> None:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    dense, owners = examples(intents=6, each=8, width=30)
    rows = csr_matrix(dense) if sparse else dense
    weights, bias = fit(rows, owners)
    other: Any = LogisticRegression(C=C, class_weight="balanced", max_iter=5000, tol=1e-8)
    other.fit(dense.astype(np.float64), owners)
    least = cost(other.coef_, other.intercept_, dense, owners)
    assert cost(weights, bias, dense, owners) <= 1.01 * least
    logits = dense @ weights.T + bias
    assert np.abs(logits - logits.mean(axis=1, keepdims=True)).max() > 1


def test_two_intents_are_told_apart_and_the_same_every_time() -> None:
    rows, owners = examples(intents=2, each=20, width=10)
    weights, bias = fit(rows, owners)
    again, _ = fit(rows, owners)
    assert weights.shape == (2, 10)
    assert bias.shape == (2,)
    assert ((rows @ weights.T + bias).argmax(axis=1) == owners).mean() > 0.9
    assert np.array_equal(weights, again)
