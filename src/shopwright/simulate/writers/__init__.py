"""How the shop's exports look as files; nothing else in the room writes any.

One module per raw format says which columns a row has and how DuckDB prints them; ``files`` writes them.
"""
