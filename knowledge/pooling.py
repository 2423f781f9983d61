"""How the vectors of a sentence's tokens become one: ``1_Pooling/config.json``.

The format is that of sentence-transformers. Without that file it is the mean.
"""

from __future__ import annotations

import json
from pathlib import Path

POOLING = "1_Pooling/config.json"
MAX_TOKENS = 256
"""Of a text; what comes behind them is not read."""


def by_first(path: Path | None) -> bool:
    """Whether a sentence is its first token's vector. Raises ``ValueError`` for other poolings."""
    if path is None:
        return False
    config = json.loads(path.read_text(encoding="utf-8"))
    wanted = sorted(mode for mode, on in config.items() if mode.startswith("pooling_mode_") and on)
    if wanted not in (["pooling_mode_mean_tokens"], ["pooling_mode_cls_token"]):
        raise ValueError(f"pooled by {', '.join(wanted) or 'nothing'}; mean or cls token is known")
    return wanted == ["pooling_mode_cls_token"]
