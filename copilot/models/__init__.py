"""Model files: what is published and what is installed. How one becomes the other is `pull` and `import_`.

Does not know what is inside a model file; that is `copilot.engine`.
"""

from copilot.models.catalogue import Catalogue, Model, Role, WheelParts, read_catalogue, shipped_catalogue
from copilot.models.installed import InstalledModel, Status, check, glance, require_usable
from copilot.models.resolve import by_preference, largest_fitting, resolve
from copilot.models.store import Store

__all__ = [
    "Catalogue",
    "InstalledModel",
    "Model",
    "Role",
    "Status",
    "Store",
    "WheelParts",
    "by_preference",
    "check",
    "glance",
    "largest_fitting",
    "read_catalogue",
    "require_usable",
    "resolve",
    "shipped_catalogue",
]
