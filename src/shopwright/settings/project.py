"""All settings together, and the folder they belong to."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError, model_validator

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.core.formats import check_formats
from shopwright.settings.app import AppSettings
from shopwright.settings.collector import SOURCE_NAME, CollectorSettings
from shopwright.settings.experiments import ExperimentDefinition, GuardrailSettings
from shopwright.settings.models import (
    ChurnSettings,
    LifetimeValueSettings,
    ModelSettings,
    SellerChurnSettings,
)
from shopwright.settings.service import ServiceSettings
from shopwright.settings.shop import (
    BotSettings,
    EngineSettings,
    ExperimentSettings,
    IngestSettings,
    LakeSettings,
    OrderSettings,
    SessionSettings,
    ShopSettings,
)
from shopwright.settings.sources import FieldSettings, SourceSettings
from shopwright.settings.strict import Strict

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "shopwright.toml"

_REFUSED_IN_NAMES = re.compile(r"\\|%[0-9A-Fa-f]{2}|[#?]|\{[{%]")
"""What the lake's library, the warehouse and dbt take for something else than a part of a path."""


class Settings(Strict):
    """All of ``shopwright.toml``."""

    shop: ShopSettings = ShopSettings()
    sources: tuple[SourceSettings, ...] = ()
    ingest: IngestSettings = IngestSettings()
    lake: LakeSettings = LakeSettings()
    sessions: SessionSettings = SessionSettings()
    bots: BotSettings = BotSettings()
    orders: OrderSettings = OrderSettings()
    experiment: ExperimentSettings = ExperimentSettings()
    experiments: tuple[ExperimentDefinition, ...] = ()
    models: ModelSettings = ModelSettings()
    service: ServiceSettings = ServiceSettings()
    collector: CollectorSettings = CollectorSettings()
    app: AppSettings = AppSettings()
    engine: EngineSettings = EngineSettings()

    @model_validator(mode="after")
    def _check_layers(self) -> Settings:
        for index, one in enumerate(self.experiments):
            for two in self.experiments[index + 1 :]:
                if one.layer and one.overlaps(two):
                    raise ValueError(
                        f"experiments '{one.name}' and '{two.name}' share units of layer '{one.layer}'; give them "
                        "ranges that do not overlap, such as [0, 0.5] and [0.5, 1]"
                    )
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Settings:
        for kind, sections in (("sources", self.sources), ("experiments", self.experiments)):
            names = [section.name for section in sections]
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"two {kind} are named '{twice.pop()}'")
        if any(source.name == SOURCE_NAME for source in self.sources):
            raise ValueError(
                f"sources: '{SOURCE_NAME}' is the name of what the service collects; choose another"
            )
        return self


@dataclass(frozen=True, slots=True)
class Project:
    """One shop: its folder and its settings."""

    root: Path
    settings: Settings

    @property
    def lake(self) -> Path:
        """Folder of the Delta tables."""
        return self.root / "lake"

    @property
    def warehouse(self) -> Path:
        """The database that builds write to."""
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The database that people, service and app read: the last build whose tests passed.

        It bears the name of the one it was copied from, since views name the database they lie in.
        """
        return self.root / "published" / "warehouse.duckdb"

    @property
    def models(self) -> Path:
        """Folder of the models: their runs, versions and files."""
        return self.root / "models"

    @property
    def keys(self) -> Path:
        """File of the service's keys, as hashes."""
        return self.root / "service" / "keys.json"

    @property
    def app_password(self) -> Path:
        """File of the app's password, as a salted hash."""
        return self.root / "service" / "app-password.json"

    @property
    def app_login(self) -> Path:
        """File of the OpenID provider that the app's visitors log in with."""
        return self.root / "service" / "app-login.toml"

    @property
    def privacy_key(self) -> Path:
        """File of the key that values are hashed with, where no environment variable holds it; it cannot be made again."""
        return self.root / "privacy" / "key"

    @property
    def tombstones(self) -> Path:
        """File of the hashes by which erased people are known when they come again; it cannot be made again."""
        return self.root / "erasure" / "tombstones.json"

    @property
    def collector(self) -> Path:
        """Folder of the events that the service collected."""
        return self.root / "collector"

    @property
    def work(self) -> Path:
        """Folder of things that can be made again: staging, compiled SQL, logs."""
        return self.root / ".shopwright"


def load_project(root: Path) -> Project:
    """Read the project in a folder.

    Raises:
        ConfigurationError: there is no ``shopwright.toml``, or it is wrong; the message says where. Or a newer version
            wrote the project.
    """
    file = root / FILE_NAME
    if marks := _REFUSED_IN_NAMES.search(str(root.resolve())):
        raise ConfigurationError(
            f"{root.resolve()}: a project cannot be in a folder whose name has {marks.group()}; rename the folder"
        )
    if not file.is_file():
        raise ConfigurationError(f"No {FILE_NAME} in {root}. Create one with `shopwright init {root}`")
    check_formats(root)  # first of all: settings of a newer version may be unknown here
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    try:
        return Project(root=root.resolve(), settings=Settings.model_validate(values))
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {_explain(error)}") from None


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "settings"
    if first["type"] == "extra_forbidden":
        return f"no setting '{where}'{near_match(str(first['loc'][-1]), _known_names())}"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def _known_names() -> list[str]:
    sections: list[type[BaseModel]] = [
        Settings,
        ShopSettings,
        SourceSettings,
        FieldSettings,
        IngestSettings,
        LakeSettings,
        SessionSettings,
        BotSettings,
        OrderSettings,
        ExperimentSettings,
        ExperimentDefinition,
        GuardrailSettings,
        ModelSettings,
        ChurnSettings,
        SellerChurnSettings,
        LifetimeValueSettings,
        ServiceSettings,
        CollectorSettings,
        EngineSettings,
    ]
    return [name for section in sections for name in section.model_fields]
