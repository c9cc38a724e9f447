"""The model files that can be fetched by name, read from `catalogue.toml`.

Does not know which of them are installed, nor how a file is fetched.
"""

import difflib
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from copilot.errors import ModelMissingError
from copilot.models.geometry import Geometry, PublishedShape

Role = Literal["chat", "completion"]


@dataclass(frozen=True, slots=True)
class WheelParts:
    """A model file split over `count` wheels, numbered from 1."""

    project: str
    """Distribution name with `{n}` where the part's number goes."""
    version: str
    count: int

    def distribution(self, part: int) -> str:
        """Name of the distribution that holds a part."""
        return self.project.format(n=part)

    def requirement(self, part: int) -> str:
        """Exact requirement that selects the wheel of a part."""
        return f"{self.distribution(part)}=={self.version}"

    def is_member(self, part: int, path: str) -> bool:
        """Whether a POSIX path inside the wheel is the part's content."""
        return path.count("/") == 2 and path.endswith(f"/data/part{part:02d}.bin")


@dataclass(frozen=True, slots=True)
class Model:
    """One published model file."""

    name: str
    roles: tuple[Role, ...]
    repository: str
    file: str
    revision: str
    bytes: int
    """Exact where `sha256` is known, an estimate otherwise."""
    licence: str
    context: int
    """Longest context the model was trained for, in tokens."""
    sha256: str | None = None
    superseded: tuple[str, ...] = ()
    """Digests of earlier releases that must not be used any more."""
    wheels: WheelParts | None = None
    geometry: Geometry | None = None
    advised: bool = True
    """Whether advice may name it; the others are for those who ask for them."""

    @property
    def shape(self) -> PublishedShape | None:
        """What its memory is planned from before its file is there; None where no geometry is published."""
        if self.geometry is None:
            return None
        return PublishedShape(self.name, self.bytes, self.context, self.geometry)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Published models, best first within each role."""

    models: tuple[Model, ...]
    default: str
    """Name to suggest to somebody who has no model yet."""

    def find(self, name: str) -> Model | None:
        """The model of that name, or None."""
        return next((model for model in self.models if model.name == name), None)

    def require(self, name: str) -> Model:
        """The model of that name; ModelMissingError names the nearest one otherwise."""
        model = self.find(name)
        if model is not None:
            return model
        names = [known.name for known in self.models]
        near = [known for known in names if name and name in known] or difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {' or '.join(near)}?" if near else "run `copilot models list` to see the names"
        raise ModelMissingError(f"no model is called `{name}`; {hint}")

    def by_digest(self, sha256: str) -> Model | None:
        """The model whose published file has this digest."""
        return next((model for model in self.models if model.sha256 == sha256), None)

    def superseded_by(self, sha256: str) -> Model | None:
        """The model that replaces the release with this digest."""
        return next((model for model in self.models if sha256 in model.superseded), None)


def read_catalogue(text: str) -> Catalogue:
    """Read a catalogue from TOML text; KeyError or ValueError if it is not one."""
    document = tomllib.loads(text)
    models = tuple(_model(entry) for entry in document["model"])
    if document["default"] not in {model.name for model in models}:
        raise ValueError(f"default model {document['default']!r} is not in the catalogue")
    return Catalogue(models=models, default=document["default"])


@functools.cache
def shipped_catalogue() -> Catalogue:
    """The catalogue that comes with this package."""
    return read_catalogue(Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8"))


def _model(entry: Mapping[str, Any]) -> Model:
    fields = dict(entry)
    fields["roles"] = tuple(fields["roles"])
    fields["superseded"] = tuple(fields.get("superseded", ()))
    if "wheels" in fields:
        fields["wheels"] = WheelParts(**fields["wheels"])
    if "geometry" in fields:
        fields["geometry"] = Geometry(**fields["geometry"])
    return Model(**fields)
