"""The steps of a run: ingest, build, train and score, each with what it reads, what it writes and when it is due.

Belongs here: the order of the steps (``plan_steps``), whether one is due, and running it in this process (``run_step``). The
command line runs them one after the other; an orchestrator can make one asset of each. Does not belong here: what a step does
(``ingest``, ``warehouse``, ``models``), or how its result is printed (``cli``).
"""

from shopwright.pipeline.step import Due, ProgressCallback, Step, StepContext, StepResult, run_step
from shopwright.pipeline.steps import BuildResult, BuildStep, IngestStep, ScoreStep, TrainStep, plan_steps

__all__ = [
    "BuildResult",
    "BuildStep",
    "Due",
    "IngestStep",
    "ProgressCallback",
    "ScoreStep",
    "Step",
    "StepContext",
    "StepResult",
    "TrainStep",
    "plan_steps",
    "run_step",
]
