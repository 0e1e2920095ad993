"""Errors that the person at the command line can fix, and broken files."""


class UserError(Exception):
    """An error that the user can fix. Its message is one line: what is wrong, where, and what would be right.

    Attributes:
        exit_status: Exit status of the command line: 2, the caller must change something.
    """

    exit_status = 2


class BrokenFileError(Exception):
    """A file that cannot be used. The message is the reason, such as `is missing`."""
