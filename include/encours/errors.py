"""The error tree. Each class says what the caller should do next.

Every message is one line that a person can act on: what, where, how to mend. Details go to the log.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_HELD = 3


class EncoursError(Exception):
    """Root of the errors that Encours raises on purpose."""

    exit_status = EXIT_FAILED


class RetryableError(EncoursError):
    """The same call may succeed later: network, lock, server starting."""


class FatalError(EncoursError):
    """Trying again cannot help: credentials, an unknown answer, a broken installation."""


class BadInput(EncoursError):
    """The input cannot be used; nothing of it was loaded.

    ``where`` is a file, or a file and a line; ``mend`` tells the person what to do about it.
    """

    exit_status = EXIT_BAD_INPUT

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(what)

    def __str__(self) -> str:
        """Built when it is asked for: whoever knows a better name of the place may set `where`."""
        prefix = f"{self.where}: " if self.where else ""
        suffix = f" ({self.mend})" if self.mend else ""
        return f"{prefix}{self.what}{suffix}"


def quoted(value: object) -> str:
    """A value that somebody gave, for a message: on one line and not long, whatever it holds."""
    return repr(value)[:60]


class QualityHold(EncoursError):
    """The gate refuses to publish; the published marts are untouched."""

    exit_status = EXIT_HELD


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """OSError → FatalError that names the file or folder."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise FatalError(
                f"the disk of {path} is full: free some space and run again"
            ) from error
        raise FatalError(f"cannot write to {path}: {error.strerror}") from error
