"""Settings to read, and settings for programs of one's own."""

import json
from typing import Any

from babel.dates import format_date

from poterne.export.account import Account
from poterne.report import Setting
from poterne.report.catalogue import Catalogue

_DIRECTIONS = ("incoming", "outgoing")


def text(account: Account, catalogue: Catalogue) -> bytes:
    """Plain text: for each direction the best setting in full, the others in a line each."""
    say = catalogue.text
    blocks = [[say("handover_title", name=account.title)]]
    if account.tested:
        day = format_date(account.tested, format="long", locale=catalogue.language)
        blocks[0].append(say("handover_tested", date=day))
    if account.lab:
        blocks[0].append(say("cli_lab"))
    others: list[str] = []
    for direction in _DIRECTIONS:
        settings: tuple[Setting, ...] = getattr(account, direction)
        if not settings:
            blocks.append([say(f"cli_no_{direction}")])
            continue
        best, *rest = settings
        blocks.append([_heading(catalogue, direction, best), *_rows(account, catalogue, best)])
        others += [_line(account, catalogue, direction, setting) for setting in rest]
    if others:
        blocks.append([say("handover_others"), *others])
    blocks.append([say("handover_no_password"), say("cli_sign_in_untested"), *account.cautions(catalogue)])
    return "\n".join("\n".join([*block, ""]) for block in blocks).encode()


def json_settings(account: Account, catalogue: Catalogue) -> bytes:
    """JSON whose `settings` are shaped as in a Report, each with `user`: what to type, where it is known."""
    whole = {
        "schema": 1,
        "domain": account.domain,
        "address": account.address,
        "tested": account.tested.isoformat() if account.tested else None,
        "lab": account.lab,
        "settings": {
            direction: [_values(account, setting) for setting in getattr(account, direction)]
            for direction in _DIRECTIONS
        },
    }
    return json.dumps(whole, ensure_ascii=False, indent=2).encode() + b"\n"


def _values(account: Account, setting: Setting) -> dict[str, Any]:
    return setting.model_dump(mode="json", exclude={"source"}) | {"user": account.user(setting)}


def _heading(catalogue: Catalogue, direction: str, setting: Setting) -> str:
    return f"{catalogue.text(f'cli_{direction}')} ({catalogue.word('protocol', setting.protocol)})"


def _rows(account: Account, catalogue: Catalogue, setting: Setting) -> list[str]:
    say, word = catalogue.text, catalogue.word
    rows = [
        (say("cli_host"), setting.host),
        (say("cli_port"), str(setting.port)),
        (say("cli_security"), word("security", setting.security)),
        (say("cli_username"), account.user(setting) or word("username", setting.username)),
    ]
    if setting.auth:
        rows.append((say("cli_auth"), ", ".join(word("auth", family) for family in setting.auth)))
    width = max(len(label) for label, _ in rows)
    return [f"  {label:<{width}}  {value}" for label, value in rows]


def _line(account: Account, catalogue: Catalogue, direction: str, setting: Setting) -> str:
    values = (
        _heading(catalogue, direction, setting),
        setting.host,
        str(setting.port),
        catalogue.word("security", setting.security),
        account.user(setting) or catalogue.word("username", setting.username),
    )
    return f"  {'  '.join(values)}"
