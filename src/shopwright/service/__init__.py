"""The HTTP API: scores, experiments and reports for the shop's own software.

Belongs here: routes, request and response schemas, API keys and rate limits, and the loaded champion. A route parses the
request, calls one package, and shapes the response: what a score, an experiment result or a report is belongs to ``models``,
``experiments`` and ``reports``. HTTP status codes are assigned in ``errors`` and nowhere else.
"""
