"""The errors that a caller may meet, and what each one lets it know.

LiqbotError
  ConfigError       the operator's mistake: named with place and remedy; exit 78
  UsageError        a verb was called with words it does not take; exit 2
  DataError         a data file cannot be read or believed; exit 65
  UnavailableError  a feed or an exchange does not answer when it must; exit 69
  DataDirError      the data directory cannot be used, or its lock is taken; exit 73
  AccessError       keys are refused or may do too much; exit 77
  NotRunningError   the daemon is needed and is not running; exit 3
  FeedError         the heatmap did not give a usable answer this time
  VenueError        the venue could not be read this time
  StoreError        what was decided could not be written: stop at once

A broken invariant is not here: it is an AssertionError, it is never caught, and the restart runs
recovery.
"""


class LiqbotError(Exception):
    """A failure with one plain sentence, the place it concerns, and what to do about it."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.where}  {self.what}" if self.where else self.what
        return f"{head}\n{self.remedy}" if self.remedy else head


class ConfigError(LiqbotError):
    """The configuration cannot be used; nothing was started."""

    exit_code = 78


class UsageError(LiqbotError):
    """A verb was called with words that it does not take."""

    exit_code = 2


class DataError(LiqbotError):
    """A data file cannot be read or believed."""

    exit_code = 65


class UnavailableError(LiqbotError):
    """A feed or an exchange does not answer when it must."""

    exit_code = 69


class DataDirError(LiqbotError):
    """The data directory cannot be used, or another instance holds it."""

    exit_code = 73


class AccessError(LiqbotError):
    """Keys are refused, missing, readable by others, or allowed to do too much."""

    exit_code = 77


class NotRunningError(LiqbotError):
    """The daemon is needed for this and is not running."""

    exit_code = 3


class FeedError(LiqbotError):
    """The heatmap gave no usable answer this time; positions go on being managed."""


class VenueError(LiqbotError):
    """The venue could not be read this time; nothing is concluded from it."""


class StoreError(LiqbotError):
    """What was decided could not be written down, so it is not done."""

    can_pass = True
    """Trying the same again may work: a full disk, a lock. False: only a new start can go on."""
