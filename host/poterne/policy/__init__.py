"""What the administrator allows and states, and what keeps to it: the log, and how many checks begin in a minute."""

from poterne.policy.policy import (
    MAX_BYTES,
    Allow,
    Controls,
    Discovery,
    Lab,
    Policy,
    Resolver,
    Trust,
    default_path,
    is_absent,
    load,
)

__all__ = [
    "MAX_BYTES",
    "Allow",
    "Controls",
    "Discovery",
    "Lab",
    "Policy",
    "Resolver",
    "Trust",
    "default_path",
    "is_absent",
    "load",
]
