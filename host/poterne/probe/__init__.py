"""One endpoint in, one Observation out."""
