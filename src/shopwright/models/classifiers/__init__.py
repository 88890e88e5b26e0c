"""Yes-or-no questions: encoding, kinds of classifiers, tuning, calibration and judgement, shared by the rooms that ask one.

What sets a room apart is its ``PredictionTask``; how good an answer is belongs to ``evaluation``.
"""
