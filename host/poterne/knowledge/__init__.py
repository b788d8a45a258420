"""What the program knows of the world: a TOML file for each subject, and beside it a module with the frozen dataclasses
that it is read into. The function `table` (`usual` for times) reads it once, and raises TableError where it is wrong.
"""


def warm() -> None:
    """Reads what the first check would wait for."""
    from poterne.knowledge import (
        app_passwords,
        auth,
        controls,
        dialogues,
        discovery,
        limits,
        names,
        networks,
        ports,
        special,
        timing,
    )

    timing.usual()
    every = (app_passwords, auth, controls, dialogues, discovery, limits, names, networks, ports, special)
    for module in every:
        module.table()
