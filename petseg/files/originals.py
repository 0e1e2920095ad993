"""What the paths of a step are copies of.

A step on Kubeflow works on local copies of artifacts, in folders that exist in its pod only. What people and
ML Metadata are told names the originals on the object store. The step sets the variable before it runs a
node, so that the node's own processes know the originals too.
"""

import json
import os
import re
from collections.abc import Mapping

VARIABLE = "PETSEG_ORIGINALS"
"""Environment variable: JSON of the URIs by the paths of their local copies."""


def set_originals(originals: Mapping[str, str]) -> None:
    """Tells this process and its children the URIs by the paths of their local copies."""
    os.environ[VARIABLE] = json.dumps(dict(originals))


def is_copy(path: str) -> bool:
    """Whether a path is a local copy or lies in one."""
    return with_originals(path) != path


def with_originals(text: str) -> str:
    """Returns a path or text with the URIs of the originals in place of the paths of their copies.

    Examples:
        >>> set_originals({"/minio/bucket/model": "minio://bucket/model"})
        >>> with_originals("cannot read /minio/bucket/model/Format-Serving")
        'cannot read minio://bucket/model/Format-Serving'
        >>> with_originals("/minio/bucket/model_run")
        '/minio/bucket/model_run'
        >>> set_originals({})
    """
    for copy, uri in json.loads(os.environ.get(VARIABLE, "{}")).items():
        pattern = rf"(?<![\w:/]){re.escape(copy)}(?![\w-]|\.\w)"
        text = re.sub(pattern, uri.replace("\\", r"\\"), text)
    return text
