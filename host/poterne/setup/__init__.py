"""Registering the native host with browsers, and finding out why one cannot start it."""

from poterne.setup.examination import Diagnosis, doctor
from poterne.setup.machine import Machine
from poterne.setup.register import Registration, install, register_in, uninstall

__all__ = ["Diagnosis", "Machine", "Registration", "doctor", "install", "register_in", "uninstall"]
