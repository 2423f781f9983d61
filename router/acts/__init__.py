"""What anybody does to an interaction: one transaction each, with its facts.

``act`` is the ground that all stand on, ``lifecycle`` has the daily ones; a file each for
transfers, consultations, callbacks, and what is due for those who wait.
"""
