"""Every error a user can meet, as one tree.

CopilotError                 one line that says what to do next
├── UsageError               the command line or a setting is wrong                 exit 2
│   └── SchemaError          a JSON schema that no grammar can be made of           exit 2
├── RepositoryError          the repository cannot be read                          exit 2
├── DiffError                a diff is damaged, or cannot be made                 exit 2
├── ModelMissingError        no model is installed, or not under that name          exit 2
├── BudgetError              what was asked for does not fit context or memory      exit 2
├── ModelFileError           a model file is damaged, foreign or unsupported        exit 3
├── EngineError              llama.cpp failed while it ran                          exit 3
└── HostError                the engine's process cannot be started or trusted      exit 3
"""


class CopilotError(Exception):
    """Base of all errors meant for the user; `str(error)` is one line that names the next step."""

    code = "error"
    exit_code = 2


class UsageError(CopilotError):
    code = "usage"


class SchemaError(UsageError):
    code = "schema"


class RepositoryError(CopilotError):
    code = "repository"


class DiffError(CopilotError):
    code = "diff"


class ModelMissingError(CopilotError):
    code = "model-missing"


class BudgetError(CopilotError):
    code = "budget"


class ModelFileError(CopilotError):
    code = "model-file"
    exit_code = 3


class EngineError(CopilotError):
    code = "engine"
    exit_code = 3


class HostError(CopilotError):
    code = "host"
    exit_code = 3
