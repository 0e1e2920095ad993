"""A schedule that a cluster keeps."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClusterEntry:
    """A schedule as `list` shows it.

    Attributes:
        name: Its name.
        cron: Crontab expression, UTC.
        state: `due`, or the cluster's word for why not, such as `disabled` or `paused`.
    """

    name: str
    cron: str
    state: str
