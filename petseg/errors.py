"""Errors that the person at the command line can mend."""


class UserError(Exception):
    """Says in one line what is wrong, where, and what would be right.

    Attributes:
        exit_status: The status that the command line ends with: 2, the caller must change something.
    """

    exit_status = 2


class BrokenFileError(Exception):
    """A file that cannot be used, with the reason."""
