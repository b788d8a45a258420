"""The software bill of materials, in CycloneDX: what the lock pins, with its hashes, and what a bundle adds to it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from manifests.packages import parts, place
from manifests.packages.parts import Part
from manifests.packages.place import PackageError


def make(epoch: int, bundle: Path | None = None) -> bytes:
    """The bill of the program, or of a bundle, as JSON of CycloneDX 1.6. Raises PackageError."""
    found = parts.of_program() if bundle is None else parts.of_bundle(bundle)
    version = place.version()
    reference = f"pkg:pypi/poterne@{version}"
    program = Component(
        name="poterne",
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=reference,
        purl=PackageURL.from_string(reference),
        licenses=[LicenseFactory().make_from_string("MIT")],
    )
    components = {part.name: _component(part) for part in found}
    bom = Bom(components=components.values())
    bom.metadata.component = program
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC)
    direct = [*parts.direct(), *(part.name for part in found if part.kind != "python-package")]
    bom.register_dependency(program, [components[name] for name in direct])
    for part in found:
        bom.register_dependency(components[part.name], [components[name] for name in part.needs])
    # The number says which bill this is: the same contents, the same number.
    bom.serial_number = uuid5(NAMESPACE_URL, " ".join(f"{part.name}@{part.version}" for part in found) + version)
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise PackageError(f"the bill of materials is not valid: {fault}")
    return (text + "\n").encode("utf-8")


_KINDS: Mapping[str, ComponentType] = {
    "python-package": ComponentType.LIBRARY,
    "library": ComponentType.LIBRARY,
    "bootloader": ComponentType.APPLICATION,
    "python": ComponentType.PLATFORM,
}


def _component(part: Part) -> Component:
    reference = part.purl or f"{part.name}@{part.version}"
    return Component(
        name=part.name,
        version=part.version,
        type=_KINDS[part.kind],
        bom_ref=reference,
        purl=PackageURL.from_string(part.purl) if part.purl else None,
        licenses=[LicenseFactory().make_from_string(part.licence)] if part.licence else [],
        properties=[Property(name="poterne:lock", value=value) for value in part.hashes],
    )
