"""What is ordinary in exports of real shops, as traits that a simulated shop can have.

Belongs here: one declaration per trait (``declarations``), what traits do to events (``clicks``) and to orders (``money``, over the
rows of ``records``), and what is then right (``people``, ``order_truth``). Does not belong here: what happens in the shop, which is
the same with and without traits, and faults of an export (``dirt``): nothing here is an error.

``ordinary`` drives the traits of one shop month by month. Traits draw from chance of their own, so that one more trait leaves the
others as they were.
"""
