"""Registering the native host with browsers, and finding out why one cannot start it."""

from poterne.install.examination import Diagnosis, doctor
from poterne.install.machine import Machine
from poterne.install.register import Registration, install, register_in, uninstall

__all__ = ["Diagnosis", "Machine", "Registration", "doctor", "install", "register_in", "uninstall"]
