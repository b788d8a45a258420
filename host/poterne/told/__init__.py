"""What a report tells people, decided once. Above `diagnose`, whose registry says what each finding is."""

from poterne.told.report import retold, told, verdict_finding

__all__ = ["retold", "told", "verdict_finding"]
