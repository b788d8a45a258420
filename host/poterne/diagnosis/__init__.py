"""Observations in, findings and settings out. Pure: no sockets, no clock; a saved report can be diagnosed again."""

from poterne.diagnosis import rules
from poterne.diagnosis.evidence import Conclusion, Evidence
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.verdict import diagnose

__all__ = ["Conclusion", "Evidence", "EvidenceRequest", "diagnose", "rules"]
