"""Customer segments: groups of similar customers, restated as rules, described, and compared between dates.

Belongs here: scores by recency, frequency and monetary value (``rfm``), clusters (``kmeans``, ``clustering``; how many of
them: ``choice``), rules that restate the clusters (``rules``), profiles and changes between dates (``profiles``,
``changes``). They compute on the arrays of :class:`~shopwright.models.segmentation.customers.Customers` and make up a
``model``, which ``train``, ``evaluate`` and ``score`` use like every package of models. Does not belong here: what the
features are (the dbt model ``feat_segmentation``), and how versions are stored (``registry``).
"""

from __future__ import annotations

from shopwright.models.segmentation.spec import SegmentationSpec

MODEL = SegmentationSpec(
    question="Which customers are similar?",
    entity="customer",
    decision="after the last complete day",
    outcome="nothing is predicted: customers are grouped by their behavior",
    columns={
        "customer_id": "The customer",
        "snapshot_date": "Segmented by what was known before this date began",
        "decided_at": "Midnight of that date",
        "segment": "Number of the segment by the rules, as their SQL gives it; segment 0 has the highest mean value",
        "segment_name": "Unique name of the segment, by its median scores",
        "campaign": "Suggested campaign for such customers",
        "rfm_class": "Usual name for the customer's own three scores, whatever their segment",
        "recency_score": "1 to 5: 5 ordered more recently than four fifths of the training customers",
        "frequency_score": "1 to 5: 5 ordered more often than four fifths of the training customers",
        "monetary_score": "1 to 5: 5 has a higher net value than four fifths of the training customers",
        "moved_from": "Segment by the same rules at the last snapshot at least a month before; null if not a customer then",
    },
    needs="it needs orders of known customers",
)

__all__ = ["MODEL"]
