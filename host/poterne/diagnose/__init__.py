"""Observations in, findings and settings out. Pure: no sockets, no clock; a saved report can be diagnosed again."""

from poterne.diagnose.evidence import Conclusion, Evidence
from poterne.diagnose.verdict import diagnose

__all__ = ["Conclusion", "Evidence", "diagnose"]
