"""The shipped catalogue is complete, and names are found or explained."""

import re

import pytest

from copilot.errors import ModelMissingError
from copilot.models import Catalogue, WheelParts, read_catalogue, shipped_catalogue

MODELS = shipped_catalogue().models


def test_the_shipped_catalogue_offers_every_tier_best_first() -> None:
    """The order is the order of preference, so it is part of the product."""
    assert [model.name for model in MODELS] == [
        "gemma-4-31b",
        "gemma-4-26b-a4b",
        "gemma-4-12b",
        "gemma-4-e4b",
        "gemma-4-e2b",
        "qwen2.5-coder-14b",
        "qwen2.5-coder-7b",
        "qwen2.5-coder-1.5b",
        "qwen2.5-coder-0.5b",
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_shipped_entries_are_pinned_and_free(model) -> None:  # type: ignore[no-untyped-def]
    """Every file is named by a full commit and a SHA-256 under a licence anybody may accept."""
    assert re.fullmatch(r"[0-9a-f]{40}", model.revision)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in (model.sha256, *model.superseded))
    assert model.sha256 not in model.superseded
    assert model.licence == "Apache-2.0"
    assert model.file.endswith(".gguf")


def test_digests_and_names_are_unique() -> None:
    """A digest names one model only, or recognising a file would be a guess."""
    digests = [digest for model in MODELS for digest in (model.sha256, *model.superseded)]
    assert sorted(set(digests)) == sorted(digests)
    assert len({model.name for model in MODELS}) == len(MODELS)


def test_there_is_a_model_for_each_role() -> None:
    """Completion needs a fill-in-the-middle model, chat any."""
    assert {role for model in MODELS for role in model.roles} == {"chat", "completion"}


def test_a_part_is_recognised_by_folder_and_number() -> None:
    """Part 2 is not part 12, and nothing outside a package's own data folder is a part."""
    wheels = WheelParts(project="x-part{n}", version="1.0", count=20)
    assert wheels.requirement(2) == "x-part2==1.0"
    assert wheels.is_member(2, "x_part2/data/part02.bin")
    assert not wheels.is_member(2, "x_part12/data/part12.bin")
    assert not wheels.is_member(2, "x_part2/other/part02.bin")
    assert not wheels.is_member(2, "a/../x_part2/data/part02.bin")


def test_an_unknown_name_is_answered_with_the_nearest(catalogue: Catalogue) -> None:
    """A typo costs one line of reading."""
    with pytest.raises(ModelMissingError, match=r"^no model is called `tinny`; did you mean tiny\?$"):
        catalogue.require("tinny")


def test_a_part_of_a_name_is_answered_with_all_that_contain_it() -> None:
    """`qwen` is what people type."""
    with pytest.raises(
        ModelMissingError,
        match=r"did you mean qwen2\.5-coder-14b or .* or qwen2\.5-coder-0\.5b\?$",
    ):
        shipped_catalogue().require("qwen")


def test_a_default_outside_the_catalogue_is_refused() -> None:
    """A catalogue cannot advise what it does not hold."""
    with pytest.raises(ValueError, match="not in the catalogue"):
        read_catalogue('default = "x"\nmodel = []\n')
