"""Which customers are alike: segments found, restated as rules, described, and followed from date to date.

The parts compute on arrays of :class:`~shopwright.models.segmentation.data.Customers`: scores by recency, frequency and
money (``rfm``), groups (``clustering``, how many of them: ``choice``), rules (``rules``), portraits (``profiles``) and
moves between dates (``moves``); ``train`` runs them all. Around them ``room`` trains, scores and explains as all models do,
with its own ``verdict``, ``tables`` and rewriting of the future (``features``). What the features are is the warehouse's
business (``feat_segmentation``), and keeping versions of a model that of the registry.
"""

from __future__ import annotations

from shopwright.models.segmentation.room import SegmentationRoom

MODEL = SegmentationRoom(
    name="segmentation",
    question="Who is alike?",
    entity="customer",
    decision="after the last complete day",
    outcome="nothing is foretold: customers are grouped by what they did",
    scores_table="gold.scores_segmentation",
    columns={
        "customer_id": "The person",
        "snapshot_date": "Grouped by what was known before this date began",
        "decided_at": "Midnight of that date",
        "segment": "Number of the segment by the rules, as their SQL gives it; 0 is worth most per customer",
        "segment_name": "Its name, by its median scores; no two segments have the same",
        "campaign": "What is usually done for such customers; a suggestion",
        "rfm_class": "Usual name of such scores by the customer's own three, whatever the segment",
        "recency_score": "1 to 5: 5 ordered later than four fifths of the customers that were learned from",
        "frequency_score": "1 to 5: 5 ordered more often than four fifths of them",
        "monetary_score": "1 to 5: 5 is worth more than four fifths of them",
        "moved_from": "Segment by the same rules at the last snapshot at least a month before; null if no customer then",
    },
    needs="it needs orders of known customers",
)
