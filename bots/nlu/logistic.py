"""A logistic head: the minimum of a convex function, by few steps of L-BFGS.

1. Minimised is Σ sᵢ·(log Σₖ exp zᵢₖ - zᵢ[yᵢ]) + ‖W‖² / 2C with z = W·x + b. The shares sᵢ let
   every intent count the same, and b is not held small.
2. Sentence vectors have a few long directions and many short ones, along which L-BFGS creeps. It
   therefore sees them stretched, so that the function curves alike everywhere at its beginning:
   by the Cholesky factor of the bound of Böhning (1992, Annals of the Institute of Statistical
   Mathematics 44) on its curvature. That takes about half of the steps.
3. Character n-grams (sparse) are as they are: they have no such directions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Matrix = Any
"""Rows: a dense array, or ``scipy.sparse.csr_matrix``."""

C = 30.0
"""Inverse regularisation."""
MOST_STEPS = 200
MEMORY = 10
"""Steps from which L-BFGS guesses the curvature."""
ENOUGH = 1e-3
"""The search ends when a step lessens the function by less than this share of it."""


def fit(rows: Matrix, owners: Places) -> tuple[Floats, Floats]:
    """Weights (intents × width) and bias of the best head; blocks, deterministic.

    ``owners`` has the intent's place for every row, ascending and without gaps.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    labels = int(owners[-1]) + 1
    counts = np.bincount(owners)
    shares = (len(owners) / (labels * counts))[owners].astype(np.float32)
    seen, back = _stretched(rows, shares, labels)
    held = back[:-1] if back is not None else None

    def cost(flat: Doubles) -> tuple[float, Doubles]:
        heads = flat.reshape(labels, -1)
        logits = np.asarray(seen @ heads.T.astype(np.float32))
        value, slope = _loss(logits, owners, shares)
        gradient = np.asarray(seen.T @ slope, dtype=np.float64).T
        # The bias stands last, and only the weights are held small.
        weights = heads[:, :-1] if held is None else heads @ held.T
        pull = weights / C
        gradient += np.pad(pull, ((0, 0), (0, 1))) if held is None else pull @ held
        return value + float((weights * pull).sum()) / 2, gradient.ravel()

    # Threads of BLAS wait for each other in a loop; under load that costs eight times as much.
    with threadpool_limits(limits=1, user_api="blas"):
        found: Any = minimize(
            cost,
            np.zeros(labels * seen.shape[1]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MOST_STEPS, "maxcor": MEMORY, "ftol": ENOUGH, "gtol": 0.0},
        )
    heads = found.x.reshape(labels, -1)
    whole = (heads if back is None else heads @ back.T).astype(np.float32)
    return np.ascontiguousarray(whole[:, :-1]), whole[:, -1].copy()


def _loss(logits: Floats, owners: Places, shares: Floats) -> tuple[float, Floats]:
    """The weighted loss of all rows, and its slope along each logit; ``logits`` are used up."""
    rows = np.arange(len(owners))
    logits -= logits.max(axis=1, keepdims=True)
    own = logits[rows, owners]
    raised = np.exp(logits, out=logits)
    sums = raised.sum(axis=1)
    value = float(np.sum(shares * (np.log(sums) - own), dtype=np.float64))
    raised *= (shares / sums)[:, None]
    raised[rows, owners] -= shares
    return value, raised


def _stretched(rows: Matrix, shares: Floats, labels: int) -> tuple[Matrix, Doubles | None]:
    """Rows with a one behind them, as L-BFGS sees them, and the way back for what it finds."""
    ones = np.ones((rows.shape[0], 1), np.float32)
    if not isinstance(rows, np.ndarray):
        from scipy.sparse import hstack

        return hstack([rows, ones], format="csr", dtype=np.float32), None
    from scipy.linalg import cholesky, solve_triangular

    wide = np.hstack([rows, ones])
    curved = np.asarray(wide.T @ (wide * shares[:, None]), dtype=np.float64) / labels
    curved[np.diag_indices(len(curved) - 1)] += 1 / C
    factor = cholesky(curved, lower=True)
    back = solve_triangular(factor, np.eye(len(factor)), lower=True).T
    return (wide @ back.astype(np.float32)), np.asarray(back)
