"""TensorFlow's errors about files, as those of Python."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from petseg.errors import REMEDIES

_AROUND = re.compile(r"^(?:\{\{.*?\}\} )+| \[Op:\w+\].*$")
"""Names of the graph's nodes, which TensorFlow puts around a message."""


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Turns TensorFlow's error about a file into the OSError that Python raises.

    Raises:
        OSError: TensorFlow could not read or write a file, for one of the reasons in REMEDIES.
    """
    try:
        yield
    except tf.errors.OpError as error:
        message = _AROUND.sub("", error.message.partition("\n")[0])
        for number in REMEDIES:
            reason = re.search(rf"(; | is ){os.strerror(number)}$", message, re.IGNORECASE)
            if reason:
                raise OSError(number, os.strerror(number), message[: reason.start()]) from error
        raise
