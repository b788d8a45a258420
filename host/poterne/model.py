from poterne.report import *  # noqa: F403
