"""The shop's order side: what happens to the purchases that the click side has drawn.

Belongs here: sellers, order lines, payments, delivery, returns and reviews, when each becomes visible in an export, and
the truth about them. Does not belong here: who buys what (``journeys``), and how the rows look in files (``writers``).

``market`` drives one month at a time, in the order of the other modules: ``sellers`` exist before the first order,
``baskets`` turn purchase events into order lines, ``payments`` say how they are paid, ``delivery`` what becomes of
the order, ``aftermath`` what comes back and what customers say, ``faults`` what is wrong with the export.
"""
