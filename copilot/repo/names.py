"""Files that are left out for their names alone: secrets, lock files, minified code, binaries and media.

Does not know: content, size, ignore files. Vendored and generated sources are not left out here; ranking judges them.
"""

from copilot.repo.secrets import is_secret

_LOCK_FILES = frozenset(
    {
        ".terraform.lock.hcl", "bun.lock", "bun.lockb", "cabal.project.freeze", "cargo.lock", "cartfile.resolved",
        "composer.lock", "conda-lock.yml", "deno.lock", "flake.lock", "gemfile.lock", "go.sum", "go.work.sum",
        "gradle.lockfile", "mix.lock", "module.bazel.lock", "npm-shrinkwrap.json", "package-lock.json",
        "package.resolved", "packages.lock.json", "pdm.lock", "pipfile.lock", "pixi.lock", "pnpm-lock.yaml",
        "podfile.lock", "poetry.lock", "pubspec.lock", "pylock.toml", "rebar.lock", "stack.yaml.lock", "uv.lock",
        "yarn.lock",
    }
)  # fmt: skip
_MINIFIED = (".min.js", ".min.mjs", ".min.cjs", ".min.css", ".map")
_BINARY = frozenset(
    {
        "3gp", "7z", "a", "aac", "aiff", "apk", "apng", "ar", "avi", "avif", "avro", "beam", "bin", "blend", "bmp",
        "bson", "bz2", "cab", "ckpt", "class", "cpio", "dds", "deb", "dll", "dmg", "docx", "dwg", "dylib", "egg",
        "elc", "eot", "epub", "exe", "exr", "fbx", "feather", "flac", "flv", "gguf", "gif", "glb", "gz", "h5",
        "hdf5", "heic", "icns", "ico", "iso", "jar", "jfif", "joblib", "jp2", "jpeg", "jpg", "jxl", "keras", "ko",
        "lmdb", "lz4", "lzma", "m4a", "m4v", "midi", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "msgpack", "msi",
        "node", "npy", "npz", "o", "odp", "ods", "odt", "oga", "ogg", "ogv", "onnx", "opus", "orc", "otf",
        "parquet", "pbm", "pdb", "pdf", "pgm", "pickle", "pkl", "png", "ppm", "pptx", "psd", "pyc", "pyd", "pyo",
        "rar", "rda", "rds", "rlib", "rpm", "safetensors", "so", "sqlite", "sqlite3", "swf", "tar", "tbz2",
        "tfevents", "tflite", "tfrecord", "tga", "tgz", "tif", "tiff", "ttc", "ttf", "txz", "tzst", "vsix", "war",
        "wasm", "wav", "webm", "webp", "whl", "wma", "wmv", "woff", "woff2", "xcf", "xls", "xlsx", "xpi", "xz",
        "zip", "zst",
    }
)  # fmt: skip
"""Endings that text uses too, such as `.dat` and `.obj`, are left to the look at the content."""


def reason_by_name(path: str) -> str | None:
    """Return why a file (POSIX path) is left out by its name; None if it is not."""
    if is_secret(path):
        return "secret by name"
    name = path.rpartition("/")[2].lower()
    if name in _LOCK_FILES:
        return "lock file"
    if name.endswith(_MINIFIED):
        return "minified"
    stem, dot, ending = name.rpartition(".")
    if (stem and dot and ending in _BINARY) or name == ".ds_store":
        return "binary by name"
    return None
