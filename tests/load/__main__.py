"""One process of a run: ``python -m tests.load ROLE PLAN``. Started by ``tests.load.fleet``."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from tests.load import customers, desks, routers
from tests.load.plan import Plan

ROLES = {"router": routers.play, "customers": customers.play, "desks": desks.play}


def main() -> None:
    """Play the role until told to stop."""
    role, path = sys.argv[1:]
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    for noisy in ("aiormq", "aio_pika", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    asyncio.run(ROLES[role](Plan.read(Path(path))))


if __name__ == "__main__":
    main()
