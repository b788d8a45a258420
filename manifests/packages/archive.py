"""Zip archives of which every byte follows from what is in them and from one date."""

import io
import time
import zipfile
from collections.abc import Mapping

_FIRST_YEAR = (1980, 1, 1, 0, 0, 0)


def pack(files: Mapping[str, bytes], epoch: int) -> bytes:
    """A zip of files by name, all dated `epoch` (UTC), readable by everybody."""
    moment = max(time.gmtime(epoch)[:6], _FIRST_YEAR)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, moment)
            # Else the platform that packs is written down.
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()
