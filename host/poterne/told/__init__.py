"""What a report tells people, decided once. Above `diagnosis`, whose registry says what each finding is."""

from poterne.told.report import retold, verdict_finding

__all__ = ["retold", "verdict_finding"]
