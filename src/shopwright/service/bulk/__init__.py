"""Bulk predictions: sessions are read from a file, scored in batches, and written to a file of the same or another format.

Request and response are temporary files. Memory stays flat whatever their size, and an invalid last row still gives a 422
that names it, not half of a response.
"""

from shopwright.service.bulk.job import BulkJob, score_file
from shopwright.service.bulk.media_types import MEDIA_TYPES, BulkFormat, negotiate_format, parse_content_type

__all__ = ["MEDIA_TYPES", "BulkFormat", "BulkJob", "negotiate_format", "parse_content_type", "score_file"]
