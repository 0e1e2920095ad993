"""Pictures of judged photos, taken from the reports that hold them already."""

from html.parser import HTMLParser
from pathlib import Path

from pipeline.runs.run_folder import REPORT_FILE


def report_pictures(run_folder: Path) -> dict[str, dict[str, str]]:
    """Data URIs by photo and view (`photo`, `truth`, `prediction`, `difference`); none without a report."""
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
            self.pictures.setdefault(name, {})[view] = source
