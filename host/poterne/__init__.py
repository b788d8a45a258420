"""Poterne: finds out, from this machine, why a mail server cannot be reached."""

__version__ = "0.1.0"
