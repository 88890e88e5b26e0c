"""What the package depends on: the licences of what is installed, and a bill of materials (CycloneDX) from a hashed lock.

    python .ci/dependencies.py licences              fails where a licence is not in requirements/licences.toml
    python .ci/dependencies.py sbom service          the bill of requirements/service.lock, on standard output

The bill is the same for the same lock, project and installed packages: it has no time, and its serial number is a hash.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
NAME = "shopwright"
LICENCES = ROOT / "requirements" / "licences.toml"
DEVELOPMENT = ("bench", "dev")
"""Extras that no user installs."""
LOCKED_EXTRAS = {"service": ("api",), "app": ("app", "ml"), "dev": ("dev",)}
"""Extras in each lock of the project, as ``make lock`` compiles it."""
INSTALLERS = ("pip", "setuptools")
"""What a new environment brings along, and no lock pins."""
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([^ \\;]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "shopwright.invalid")


@dataclass(frozen=True)
class Pin:
    """One package of a lock."""

    name: str
    version: str
    hashes: tuple[str, ...]
    """SHA-256 of each file that may be installed."""

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(text: str) -> list[Pin]:
    """Return the packages of a lock, by name."""
    starts = [*_PIN.finditer(text)]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return [
        Pin(match[1], match[2], tuple(sorted(_HASH.findall(text[match.end() : end]))))
        for match, end in zip(starts, ends, strict=True)
    ]


def read_installed() -> dict[str, Distribution]:
    """Return the installed packages by their normalized name."""
    return {canonicalize_name(found.metadata["Name"]): found for found in distributions()}


def find_licences(package: Distribution) -> list[str]:
    """Return what a package says of its licence: an SPDX expression, its classifiers, or a line of its own."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return [expression]
    classifiers = [
        text.split(" :: ")[-1]
        for text in metadata.get_all("Classifier") or []
        if text.startswith("License ::")
    ]
    classifiers = [text for text in classifiers if text != "OSI Approved"]
    return classifiers or [
        line.strip() for line in (metadata.get("License") or "").split("\n")[:1] if line.strip()
    ]


def is_allowed(licences: Iterable[str], allowed: Iterable[str]) -> bool:
    """Return whether all of a package's licences are allowed; of an expression with OR one choice is enough.

    An expression with parentheses or exceptions is none that this understands, so its package needs an entry of its own.
    """
    names = set(allowed)

    def is_one_allowed(text: str) -> bool:
        if text in names or "(" in text or ")" in text:
            return text in names
        return any(set(choice.split(" AND ")) <= names for choice in text.split(" OR "))

    licences = list(licences)
    return bool(licences) and all(is_one_allowed(text) for text in licences)


def _requirements(project: Mapping[str, Any], extras: Iterable[str]) -> Iterator[Requirement]:
    """Yield what the project requires with some extras, which may name one another."""
    for line in project["dependencies"]:
        yield Requirement(line)
    seen, waiting = set(), list(extras)
    while waiting:
        extra = waiting.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for line in project["optional-dependencies"][extra]:
            requirement = Requirement(line)
            if canonicalize_name(requirement.name) == NAME:
                waiting.extend(requirement.extras)
            else:
                yield requirement


def build_graph(
    requirements: Iterable[Requirement], installed: Mapping[str, Distribution]
) -> dict[str, set[str]]:
    """Return what each installed package that is required, directly or not, requires itself; the project is ``""``."""
    graph: dict[str, set[str]] = {"": set()}
    seen: set[tuple[str, str]] = set()
    waiting = [("", requirement) for requirement in requirements]
    while waiting:
        parent, requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in installed:
            continue
        graph[parent].add(name)
        graph.setdefault(name, set())
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            stated = map(Requirement, installed[name].requires or [])
            waiting += [(name, one) for one in stated if _holds(one, extra)]
    return graph


def _holds(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def check_licences() -> list[str]:
    """Return what is wrong with the licences of the installed packages, and with the list of allowed ones."""
    rules = tomllib.loads(LICENCES.read_text("utf-8"))
    installed = read_installed()
    packages = {name: package for name, package in installed.items() if name not in (NAME, *INSTALLERS)}
    faults = []
    for name, package in sorted(packages.items()):
        licences = find_licences(package)
        if name not in rules["packages"] and not is_allowed(licences, rules["shipped"]):
            faults.append(
                f"{name} {package.version}: {', '.join(licences) or 'no licence'} is not in {LICENCES.name}"
            )
    faults += [
        f"{name} is in {LICENCES.name} and not installed"
        for name in rules["packages"]
        if name not in packages
    ]
    project = _read_project()
    extras = [extra for extra in project["optional-dependencies"] if extra not in DEVELOPMENT]
    shipped = build_graph(_requirements(project, extras), installed)
    faults += [
        f"{name} is under {rule['licence']} and reaches users"
        for name, rule in rules["packages"].items()
        if rule["licence"].startswith(("GPL", "AGPL")) and name in shipped
    ]
    if not faults:
        print(f"licences of {len(packages)} packages are allowed, {len(shipped) - 1} of them reach users")
    return faults


def build_sbom(lock: str, text: str, installed: Mapping[str, Distribution]) -> dict[str, Any]:
    """Return the bill of materials of a lock.

    Args:
        lock: its name, one of ``LOCKED_EXTRAS``.
        text: its content.
        installed: packages by name; one with another version than the lock's adds neither licence nor dependencies.
    """
    project = _read_project()
    pins = read_lock(text)  # of some packages several versions, for different versions of Python
    purls = {
        pin.name: pin.purl
        for pin in pins
        if pin.name in installed and installed[pin.name].version == pin.version
    }
    same = {name: installed[name] for name in purls}
    graph = build_graph(_requirements(project, LOCKED_EXTRAS[lock]), same)
    version = _read_version()
    root = f"pkg:pypi/{NAME}@{version}"
    rules = tomllib.loads(LICENCES.read_text("utf-8"))["packages"]
    content: dict[str, Any] = {
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": NAME,
                "version": version,
                "purl": root,
                "licenses": [{"expression": project["license"]}],
            },
            "properties": [{"name": "shopwright:lock", "value": f"requirements/{lock}.lock"}],
        },
        "components": [
            _component(pin, same.get(pin.name) if pin.purl in purls.values() else None, rules.get(pin.name))
            for pin in pins
        ],
        "dependencies": [
            {
                "ref": purls[name] if name else root,
                "dependsOn": sorted(purls[one] for one in required),
            }
            for name, required in sorted(graph.items())
        ],
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(content, sort_keys=True))
    head = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
    }
    return head | content


def _component(pin: Pin, package: Distribution | None, rule: Mapping[str, str] | None) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
        # each hash is that of one file, of which an installation takes one
        "externalReferences": [
            {
                "type": "distribution",
                "url": pin.purl,
                "comment": "files that requirements of the lock accept",
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in pin.hashes],
            }
        ],
    }
    if rule:
        component["licenses"] = [{"expression": rule["licence"]}]
    elif package and package.metadata.get("License-Expression"):
        component["licenses"] = [{"expression": package.metadata["License-Expression"]}]
    elif package and (names := find_licences(package)):
        component["licenses"] = [{"license": {"name": name}} for name in names]
    return component


def _read_project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project


def _read_version() -> str:
    text = (ROOT / "src" / NAME / "__init__.py").read_text("utf-8")
    match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise SystemExit("src/shopwright/__init__.py states no __version__")
    return match[1]


def main(arguments: list[str]) -> int:
    """Check the licences or write a bill of materials; return the exit code."""
    if arguments == ["licences"]:
        faults = check_licences()
        for fault in faults:
            print(fault)
        return int(bool(faults))
    if len(arguments) == 2 and arguments[0] == "sbom" and arguments[1] in LOCKED_EXTRAS:
        text = (ROOT / "requirements" / f"{arguments[1]}.lock").read_text("utf-8")
        print(json.dumps(build_sbom(arguments[1], text, read_installed()), indent=1))
        return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
