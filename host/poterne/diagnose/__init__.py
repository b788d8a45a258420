"""Observations in, findings and settings out. Pure: no sockets, no clock; a saved report can be diagnosed again."""

from poterne.diagnose import rules
from poterne.diagnose.evidence import Conclusion, Evidence
from poterne.diagnose.verdict import diagnose
from poterne.diagnose.wanted import Want

__all__ = ["Conclusion", "Evidence", "Want", "diagnose", "rules"]
