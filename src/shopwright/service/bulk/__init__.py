"""Many sessions at once: read from a file of one format, scored in batches, written to a file of another.

A request is put into a temporary file, and so is its answer, so that memory stays flat whatever their size, and a bad row at
the very end is still answered with a 422 that names it, not with half of an answer.
"""

from shopwright.service.bulk.formats import FORMATS, Format, accepted, format_of
from shopwright.service.bulk.run import Scoring, score_file

__all__ = ["FORMATS", "Format", "Scoring", "accepted", "format_of", "score_file"]
"""What routes use."""
