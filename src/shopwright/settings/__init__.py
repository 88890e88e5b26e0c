"""A shop's settings: ``shopwright.toml``, read once and checked.

Every default lives here and nowhere else; the template, the docs and the command line read them from these classes.
A section of the file is a class in the module of its subject; ``project`` puts them together.
"""

from shopwright.settings.collector import CollectorSettings
from shopwright.settings.experiments import ExperimentDefinition, GuardrailSettings
from shopwright.settings.models import (
    ChurnSettings,
    LifetimeValueSettings,
    ModelSettings,
    SellerChurnSettings,
)
from shopwright.settings.project import FILE_NAME, Project, Settings, load_project
from shopwright.settings.service import ServiceSettings
from shopwright.settings.shop import ShopSettings
from shopwright.settings.sources import FieldSettings, SourceSettings

__all__ = [
    "FILE_NAME",
    "ChurnSettings",
    "CollectorSettings",
    "ExperimentDefinition",
    "FieldSettings",
    "GuardrailSettings",
    "LifetimeValueSettings",
    "ModelSettings",
    "Project",
    "SellerChurnSettings",
    "ServiceSettings",
    "Settings",
    "ShopSettings",
    "SourceSettings",
    "load_project",
]
