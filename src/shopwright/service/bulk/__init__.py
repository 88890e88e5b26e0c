"""Many sessions at once: read from a file of one format, scored in batches, written to a file of another.

A request is put into a temporary file, and so is its answer, so that memory stays flat whatever their size, and a bad row at
the very end is still answered with a 422 that names it, not with half of an answer.
"""

from shopwright.service.bulk.job import BulkJob, score_file
from shopwright.service.bulk.media_types import MEDIA_TYPES, BulkFormat, negotiate_format, parse_content_type

__all__ = ["MEDIA_TYPES", "BulkFormat", "BulkJob", "negotiate_format", "parse_content_type", "score_file"]
"""What routes use."""
