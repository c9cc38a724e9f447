"""Model files: what is published, what is installed, and how one becomes the other.

Does not know what is inside a model file; that is `copilot.engine`.
"""

from copilot.models.catalogue import Catalogue, Model, Role, WheelParts, read_catalogue, shipped_catalogue
from copilot.models.import_ import Mode, Placement, import_file
from copilot.models.installed import InstalledModel, Status, check, glance, require_usable
from copilot.models.pull import Source, pull
from copilot.models.resolve import by_preference, largest_fitting, resolve
from copilot.models.store import Store

__all__ = [
    "Catalogue",
    "InstalledModel",
    "Mode",
    "Model",
    "Placement",
    "Role",
    "Source",
    "Status",
    "Store",
    "WheelParts",
    "by_preference",
    "check",
    "glance",
    "import_file",
    "largest_fitting",
    "pull",
    "read_catalogue",
    "require_usable",
    "resolve",
    "shipped_catalogue",
]
