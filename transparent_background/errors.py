"""Every error this package raises on purpose.

::

    TransparentBackgroundError
    ├── UsageError                  (ValueError)         what was asked for makes no sense
    │   ├── UnknownTypeError        no such result type, colour or background
    │   ├── UnknownModeError        (KeyError)           no such mode or checkpoint name
    │   ├── ConfigError             a training configuration with an unknown key or a wrong value
    │   └── OutputConflictError     two results with one name, or a result over its own source
    ├── DeviceError                 (RuntimeError)       a device was asked for and is missing
    ├── MissingExtraError           (ImportError)        an optional dependency is not installed
    ├── WeightsError                (RuntimeError)       weights cannot be had or used
    │   ├── DownloadError           no mirror gave the file
    │   │   └── OfflineError        a download is needed, but the offline switch is set
    │   ├── ChecksumError           the file is not the one that was published
    │   └── CheckpointError         the file is no checkpoint of this network, or is damaged
    ├── InputError                  (ValueError)         a picture cannot be used
    │   ├── SourceNotFoundError     (FileNotFoundError)  no such file or folder, or nothing in it to do
    │   ├── UnreadableError         (OSError)            a file that cannot be opened or decoded
    │   ├── TooLargeError           more pixels than will be decoded, or more than a format holds
    │   │   └── MemoryShortageError a picture that needs more memory than there is
    │   └── DataSetError            a folder of pictures and masks that do not match
    ├── TrainingError               (RuntimeError)       a training run cannot go on
    └── OutputError                 (OSError)            a result cannot be written

A message names the file or option, says what was wrong and what to do about it, in one line.
The built-in bases let code written for transparent-background 1.3.4 keep its ``except`` clauses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class TransparentBackgroundError(Exception):
    """Base of every error this package raises on purpose."""

    def __str__(self) -> str:
        """Return the message as it was given (KeyError would quote it, OSError would number it)."""
        return str(self.args[0]) if self.args else ""


class UsageError(TransparentBackgroundError, ValueError):
    """An option or argument that makes no sense, such as a threshold of 2."""


class UnknownTypeError(UsageError):
    """A result type that is no known type, colour or readable background file."""


class UnknownModeError(UsageError, KeyError):
    """A mode or checkpoint name that neither the registry nor the user's config holds."""


class OutputConflictError(UsageError):
    """Two results that would have one name, or a result that would replace its own source."""


class ConfigError(UsageError):
    """A training configuration that cannot be read, or has an unknown key or a wrong value."""


class DeviceError(TransparentBackgroundError, RuntimeError):
    """A device that was asked for by name and is not there."""


class MissingExtraError(TransparentBackgroundError, ImportError):
    """An optional dependency that is needed now and not installed."""


@contextmanager
def needing(extra: str, words: str) -> Iterator[None]:
    """Import an optional dependency within this block.

    Parameters
    ----------
    extra
        What to install it with, if it is missing.
    words
        Who needs what.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(f'{words}; run: pip install "transparent-background[{extra}]"') from error


class WeightsError(TransparentBackgroundError, RuntimeError):
    """Weights that cannot be had or cannot be used."""


class DownloadError(WeightsError):
    """A download that failed from every place the file is published."""


class OfflineError(DownloadError):
    """A download that is needed while the offline switch is set."""


class ChecksumError(WeightsError):
    """A file whose checksum is not the published one."""


class CheckpointError(WeightsError):
    """A file that is no checkpoint of the network it was given for, or is damaged."""


class InputError(TransparentBackgroundError, ValueError):
    """A picture, array or tensor that cannot be used."""


class SourceNotFoundError(InputError, FileNotFoundError):
    """A source that does not exist, or a folder in which there is nothing to do."""


class UnreadableError(InputError, OSError):
    """A file that cannot be opened or decoded."""


class TooLargeError(InputError):
    """A picture with more pixels than will be decoded, or than the format of its result holds."""


class MemoryShortageError(TooLargeError):
    """A picture that needs more memory than the machine, or what runs it, has free."""


class DataSetError(InputError):
    """A folder of pictures and masks with missing pairs, unreadable files or sizes that differ."""


class TrainingError(TransparentBackgroundError, RuntimeError):
    """A training run that cannot go on: its loss is no number any more, or its state is gone."""


class OutputError(TransparentBackgroundError, OSError):
    """A result that cannot be written."""
