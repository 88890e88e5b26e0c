"""Building the warehouse: the engine, the bronze views over the lake, dbt, and publishing what passed.

Belongs here: running dbt, turning its results into ours, pinning what a build reads, publishing. Does not belong
here: the models themselves (``dbt``) and how rows got into the lake (``ingest``).
"""
