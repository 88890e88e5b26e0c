"""The warehouse build: bronze views over the lake, the dbt run, and publishing a tested database.

Belongs here: running dbt, reading its results, fixing which files a build reads, publishing. Does not belong here: the
models themselves (``dbt``) and how rows get into the lake (``ingest``).
"""
