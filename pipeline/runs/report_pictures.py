"""Images of photos, read from the reports that contain them."""

from html.parser import HTMLParser
from pathlib import Path

from pipeline.runs.run_folder import REPORT_FILE

GROUND_TRUTH = "ground truth"
FORMER_GROUND_TRUTH = "truth"
"""The view's name in reports of the last release."""


def report_pictures(run_folder: Path) -> dict[str, dict[str, str]]:
    """Data URIs by photo and view; empty without a report.

    The views are `photo`, `ground truth`, `prediction` and `difference`.
    """
    report = run_folder / REPORT_FILE
    if not report.is_file():
        return {}
    reader = _PictureReader()
    reader.feed(report.read_text(encoding="utf-8"))
    return reader.pictures


class _PictureReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pictures: dict[str, dict[str, str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        source, text = values.get("src") or "", values.get("alt") or ""
        if tag == "img" and source.startswith("data:image/"):
            name, _, view = text.rpartition(": ")
            view = GROUND_TRUTH if view == FORMER_GROUND_TRUTH else view
            self.pictures.setdefault(name, {})[view] = source
