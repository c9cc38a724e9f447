"""Where people put things by the customs of a language. Does not know: what this project does instead."""

from pathlib import Path


def path_for_tests(path: Path) -> Path:
    """Where tests of a source file go by the customs of its language, beside it where there is no folder for them."""
    stem, suffix = path.stem, path.suffix
    if suffix == ".py":
        folder = next((each / "tests" for each in path.parents if (each / "tests").is_dir()), path.parent)
        return folder / f"test_{stem}.py"
    if suffix in (".js", ".jsx", ".ts", ".tsx", ".mjs", ".vue"):
        return path.with_name(f"{stem}.test{suffix}")
    if suffix in (".java", ".kt", ".cs", ".swift", ".scala", ".php"):
        return path.with_name(f"{stem}Test{suffix}")
    if suffix == ".rb":
        return path.with_name(f"{stem}_spec.rb")
    return path.with_name(f"{stem}_test{suffix}")
