"""The picture of the way from this computer to the server, for a terminal."""

from collections.abc import Iterable
from typing import get_args

from poterne.report import Station, Way
from poterne.report.catalogue import Catalogue
from poterne.report.statement import about_ports

_STATIONS: tuple[Station, ...] = get_args(Station)


def way_drawn(way: Way, catalogue: Catalogue) -> list[tuple[str, str]]:
    """The way as lines of equal layout, each with the ports that it is about: what stops, what passes, and what
    the server itself refuses.
    """
    names = [catalogue.text(f"station_{station}") for station in _STATIONS]
    first, last = _STATIONS.index(way.stops_from), _STATIONS.index(way.stops_to)
    lines = [(_line(names, _stretches(first, last)), _ports(way.stopped, catalogue))]
    if way.passing:
        lines.append((_line(names, ["─────"] * 4), f"{_ports(way.passing, catalogue)} ✓"))
    if way.refused:
        server = len(_STATIONS) - 1
        lines.append((_line(names, _stretches(server, server)), _ports(way.refused, catalogue)))
    return lines


def _stretches(first: int, last: int) -> list[str]:
    """What is drawn between the stations, five characters each."""
    drawn = []
    for index in range(4):
        if index < first:
            drawn.append("────✗" if first == last == index + 1 else "─────")
        elif index < last:
            drawn.append("──✗──" if last - first == 1 else "┄┄?┄┄")
        else:
            drawn.append("✗····" if first == last == index == 0 else "·····")
    return drawn


def _line(names: list[str], stretches: list[str]) -> str:
    return " ".join([names[0], *(f"{stretch} {name}" for stretch, name in zip(stretches, names[1:], strict=True))])


def _ports(numbers: Iterable[int], catalogue: Catalogue) -> str:
    return catalogue.said(about_ports("way_ports", numbers))
