"""The service: what the shop's own software asks, over HTTP.

Belongs here: routes, the shapes of requests and answers, keys and limits, and the champions that are loaded. Routes parse,
ask one room, and shape its answer: what a score, a read-out or a figure is belongs to ``models``, ``experiments`` and
``reports``. Status codes are given in ``errors`` and nowhere else.
"""
