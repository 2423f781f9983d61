"""The same ``Acd`` in virtual time: ``scenario`` is what comes in, ``run`` plays it."""
