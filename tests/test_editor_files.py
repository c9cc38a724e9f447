"""The configurations under editors/ have the form that each editor documents, and the wheel carries them all."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import jsonschema
import pytest

from copilot.tasks.editor_catalogue import EDITORS

ROOT = Path(__file__).parents[1]
FILES = ROOT / "editors"
COMMAND = {"type": "array", "items": {"type": "string"}, "minItems": 2, "prefixItems": [{"const": "copilot"}]}
# What the editors' documentation says of these files; nothing else is allowed, as a misspelt key does nothing there.
HELIX = {
    "type": "object",
    "properties": {
        "language-server": {
            "additionalProperties": {
                "properties": {
                    name: {}
                    for name in ("command", "args", "config", "timeout", "environment", "required-root-patterns")
                },
                "required": ["command"],
                "additionalProperties": False,
            }
        },
        "language": {
            "items": {
                "properties": {
                    "name": {"type": "string"},
                    "language-servers": {"contains": {"const": "copilot-offline"}},
                },
                "required": ["name", "language-servers"],
                "additionalProperties": False,
            }
        },
    },
    "required": ["language-server", "language"],
    "additionalProperties": False,
}
ZED_MANIFEST = {
    "properties": {
        "id": {"pattern": "^[a-z0-9-]+$"},
        "name": {"type": "string"},
        "version": {"pattern": r"^\d+\.\d+\.\d+$"},
        "schema_version": {"const": 1},
        "authors": {"type": "array", "items": {"type": "string"}},
        "description": {"type": "string"},
        "repository": {"type": "string"},
        "language_servers": {
            "additionalProperties": {
                "properties": {"name": {"type": "string"}, "languages": {"type": "array", "minItems": 1}},
                "required": ["name", "languages"],
                "additionalProperties": False,
            }
        },
    },
    "required": ["id", "name", "version", "schema_version", "authors", "language_servers"],
    "additionalProperties": False,
}
ZED_SETTINGS = {
    "properties": {
        "lsp": {
            "additionalProperties": {
                "properties": {
                    "binary": {
                        "properties": {"path": {"const": "copilot"}, "arguments": {"const": ["lsp"]}},
                        "additionalProperties": False,
                    },
                    "initialization_options": {"type": "object"},
                    "settings": {"type": "object"},
                },
                "additionalProperties": False,
            }
        }
    },
    "additionalProperties": False,
}
SUBLIME = {
    "properties": {
        "clients": {
            "additionalProperties": {
                "properties": {
                    "enabled": {"const": True},
                    "command": COMMAND,
                    "selector": {"type": "string"},
                    "initializationOptions": {"type": "object"},
                    "settings": {"type": "object"},
                },
                "required": ["enabled", "command", "selector"],
                "additionalProperties": False,
            }
        }
    },
    "required": ["clients"],
    "additionalProperties": False,
}
KATE = {
    "properties": {
        "servers": {
            "additionalProperties": {
                "properties": {
                    "command": COMMAND,
                    "rootIndicationFileNames": {"type": "array"},
                    "highlightingModeRegex": {"type": "string", "format": "regex"},
                    "initializationOptions": {"type": "object"},
                },
                "required": ["command", "highlightingModeRegex"],
                "additionalProperties": False,
            }
        }
    },
    "required": ["servers"],
    "additionalProperties": False,
}
LSP4IJ = {
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "programArgs": {
            "properties": {"default": {"type": "string"}, "windows": {"type": "string"}},
            "required": ["default"],
            "additionalProperties": False,
        },
        "fileTypeMappings": {
            "items": {
                "properties": {
                    "fileType": {
                        "properties": {"patterns": {"items": {"pattern": r"^\*\.\w+$"}}},
                        "required": ["patterns"],
                        "additionalProperties": False,
                    },
                    "languageId": {"type": "string"},
                },
                "required": ["fileType", "languageId"],
                "additionalProperties": False,
            }
        },
    },
    "required": ["id", "name", "programArgs", "fileTypeMappings"],
    "additionalProperties": False,
}
FORMS = [
    ("helix/languages.toml", HELIX),
    ("zed/extension.toml", ZED_MANIFEST),
    ("zed/settings.json", ZED_SETTINGS),
    ("sublime/LSP.sublime-settings", SUBLIME),
    ("kate/settings.json", KATE),
    ("jetbrains/template.json", LSP4IJ),
    ("jetbrains/settings.json", {"type": "object"}),
    ("jetbrains/initializationOptions.json", {"type": "object"}),
]


@pytest.mark.parametrize(("name", "schema"), FORMS, ids=[name for name, _ in FORMS])
def test_a_configuration_has_the_documented_form(name: str, schema: dict[str, object]) -> None:
    """It parses, and every key is one that the editor reads."""
    text = (FILES / name).read_text()
    jsonschema.validate(tomllib.loads(text) if name.endswith(".toml") else json.loads(text), schema)


def test_zeds_extension_is_one_crate_for_wasm() -> None:
    """The manifest makes the kind of library that Zed loads, and the code registers it."""
    manifest = tomllib.loads((FILES / "zed/Cargo.toml").read_text())
    assert manifest["lib"]["crate-type"] == ["cdylib"]
    assert "zed_extension_api" in manifest["dependencies"]
    assert "zed::register_extension!(CopilotOffline);" in (FILES / "zed/src/lib.rs").read_text()


@pytest.mark.parametrize("editor", [each for each in EDITORS if each.target], ids=lambda each: each.name)
def test_what_the_catalogue_names_is_there(editor) -> None:
    """Every source and example exists, and the README says how to install it with one command."""
    folder = FILES / editor.name
    for name in (*editor.sources, editor.example):
        assert (folder / name).exists(), name
    readme = (folder / "README.md").read_text()
    assert f"copilot editors {editor.name} --write" in readme
    assert len(readme.splitlines()) <= 60


@pytest.mark.parametrize("path", sorted(FILES.glob("*/README.md")), ids=lambda path: path.parent.name)
def test_a_readme_shows_settings_that_parse(path: Path) -> None:
    """Its examples in TOML and JSON can be copied."""
    for language, text in re.findall(r"```(toml|json)\n(.*?)```", path.read_text(), re.DOTALL):
        if language == "toml":
            tomllib.loads(text)
        else:
            json.loads(text)


def test_the_wheel_carries_the_editors_files(tmp_path: Path) -> None:
    """What is under editors/ in the sources is in the wheel, and `copilot editors` finds it there."""
    pytest.importorskip("hatchling", reason="hatchling builds the wheel; `pip install hatchling`")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if "/editor_files/" in name}
        archive.extractall(tmp_path / "installed")
    for editor in EDITORS:
        for name in editor.sources:
            source = FILES / editor.name / name
            for each in [source] if source.is_file() else [each for each in source.rglob("*") if each.is_file()]:
                assert f"copilot/editor_files/{each.relative_to(FILES).as_posix()}" in inside
    shown = subprocess.run(
        [sys.executable, "-c", "from copilot.tasks.editors import files_folder; print(files_folder())"],
        env={"PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert Path(shown) == tmp_path / "installed/copilot/editor_files"
