"""A web page that segments photos."""

import os
import signal
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from components.run_report.templates import template_engine
from petseg.errors import UserError
from petseg.files.image_file import BrokenFileError
from petseg.overlay import overlay
from pipeline.prediction.predict import SavedSegmenter, model_folder, read_photo, shares
from pipeline.runs.run_log import redirect_output

SHOWN_PIXELS = 1600
"""Longest side of the pictures on the page; the mask is computed at native resolution."""

SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONOSPACE_FONTS = ("ui-monospace", "Menlo", "Consolas", "monospace")
"""Fonts that are not downloaded, so that the page works without the internet."""

GRADIO_ENVIRONMENT = {
    # Without these, Gradio looks for newer versions and reports each start to its makers.
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Gradio's summary of its own latencies fails on the pandas of TFX 1.16.
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
}
"""Read when Gradio is imported."""


@dataclass(frozen=True)
class AppOptions:
    """How the page is served.

    Attributes:
        host: Address to listen on.
        port: Port; None: the first free port from 7860.
        max_upload_mb: Size of the largest accepted file in MB.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    max_upload_mb: int = 20


def serve(model: Path, options: AppOptions) -> None:
    """Serves the page until it is interrupted; prints its address when it is ready.

    Args:
        model: Folder of a pushed version, or of all versions.
        options: How the page is served.

    Raises:
        UserError: Gradio is not installed, there is no model, or the address is not available.
    """
    version = model_folder(model)
    # SIGTERM cleans up as Ctrl-C does, so that no photos are left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="petseg_app_") as uploads:
        os.environ |= GRADIO_ENVIRONMENT | {"GRADIO_TEMP_DIR": uploads}
        gradio = _gradio()
        with redirect_output(Path(uploads) / "output.log"):
            segmenter = SavedSegmenter(version)
            # The first prediction takes seconds, while TensorFlow prepares the graph.
            segmenter.class_ids(Image.new("RGB", (64, 64)))
        page = _page(gradio, segmenter, version, options.max_upload_mb)
        address = _launch(gradio, page, options)
        print(f"app      {address}   (Ctrl-C to stop)", flush=True)
        threading.Event().wait()


def _gradio() -> Any:
    try:
        import gradio
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise UserError(
            "app needs Gradio, which is not installed; run make setup, or pip install '.[app]' in a checkout"
        ) from None
    return gradio


def _launch(gradio: Any, page: Any, options: AppOptions) -> str:
    """Starts the server in threads of its own; returns the page's address."""
    try:
        _, address, _ = page.launch(
            server_name=options.host,
            server_port=options.port,
            max_file_size=f"{options.max_upload_mb}mb",
            theme=gradio.themes.Soft(font=SYSTEM_FONTS, font_mono=MONOSPACE_FONTS),
            css=STYLE,
            footer_links=[],
            share=False,
            ssr_mode=False,
            mcp_server=False,
            enable_monitoring=False,
            prevent_thread_lock=True,
            quiet=True,
        )
    except OSError:
        wanted = f"port {options.port}" if options.port else "a port from 7860 to 7959"
        raise UserError(
            f"cannot listen on {options.host}, {wanted}; choose another --port, or a --host of this machine"
        ) from None
    return address


@dataclass(frozen=True)
class Shown:
    """What the page shows for one file.

    Attributes:
        pictures: Photo and overlay, at most SHOWN_PIXELS long; None if the file was refused.
        html: Class shares and latency, or why the file was refused.
    """

    pictures: tuple[Image.Image, Image.Image] | None
    html: str


def segment_file(segmenter: SavedSegmenter, file: Path) -> Shown:
    """Segments the photo in a file, or says why that is not possible."""
    template = template_engine("pipeline.prediction").get_template("app_prediction.html.jinja")
    try:
        photo = read_photo(file)
    except BrokenFileError as error:
        return Shown(None, template.render(file=file.name, refused=str(error)))
    begun = time.perf_counter()
    class_ids = segmenter.class_ids(photo)
    seconds = time.perf_counter() - begun
    html = template.render(
        file=file.name,
        refused=None,
        size=photo.size,
        milliseconds=round(1000 * seconds),
        shares=shares(class_ids, segmenter.classes),
        colors={entry.name: entry.color for entry in segmenter.classes.classes},
    )
    return Shown(_shown(photo, class_ids, segmenter), html)


def _shown(
    photo: Image.Image, class_ids: np.ndarray, segmenter: SavedSegmenter
) -> tuple[Image.Image, Image.Image]:
    mask = Image.fromarray(class_ids)
    scale = min(1.0, SHOWN_PIXELS / max(photo.size))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    small = photo.resize(size, Image.Resampling.LANCZOS) if scale < 1 else photo
    ids = np.asarray(mask.resize(size, Image.Resampling.NEAREST))
    return small, overlay(small, ids, segmenter.classes)


def _page(gradio: Any, segmenter: SavedSegmenter, version: Path, max_upload_mb: int) -> Any:
    def segment(path: str) -> tuple[None, Any, str]:
        found = segment_file(segmenter, Path(path))
        # Empty the drop zone for the next photo.
        return None, found.pictures, found.html

    # Uploads are deleted after an hour, and when the app stops.
    with gradio.Blocks(analytics_enabled=False, title="Segment a photo", delete_cache=(600, 3600)) as page:
        gradio.Markdown(f"# Segment a photo\n{', '.join(segmenter.classes.names)}; model `{version.name}`")
        with gradio.Row():
            with gradio.Column(scale=2, min_width=280):
                upload = gradio.File(label=f"Photo, at most {max_upload_mb} MB", elem_id="upload", height=190)
                details = gradio.HTML(elem_id="prediction")
            with gradio.Column(scale=3, min_width=280):
                pictures = gradio.ImageSlider(
                    elem_id="pictures",
                    show_label=False,
                    interactive=False,
                    format="png",
                    buttons=["download", "fullscreen"],
                )
        upload.upload(segment, upload, [upload, pictures, details], api_visibility="private")
    return page


STYLE = """
.gradio-container { max-width: 72rem !important; margin-inline: auto !important; }
#prediction .name { font-weight: 600; overflow-wrap: anywhere; }
#prediction .latency { color: var(--body-text-color-subdued); margin-bottom: 1rem; }
#prediction ul { list-style: none; margin: 0; padding: 0; font-variant-numeric: tabular-nums; }
#prediction li { display: grid; grid-template-columns: 1fr auto; gap: .25rem 1rem; margin-bottom: .75rem; }
#prediction .bar { grid-column: 1 / -1; height: .5rem; background: var(--border-color-primary); }
#prediction .bar span { display: block; height: 100%; }
#prediction :is(.bar, .bar span) { border-radius: .25rem; }
#prediction i { display: inline-block; width: .75em; height: .75em; margin-right: .5em; border-radius: 3px; }
#prediction :is(i, .bar span) { box-shadow: inset 0 0 0 1px rgb(128 128 128 / .55); }
#prediction .refused { padding: .9rem 1rem; border-radius: .5rem; overflow-wrap: anywhere; }
#prediction .refused { background: var(--error-background-fill); color: var(--error-text-color); }
#prediction .refused { border: 1px solid var(--error-border-color); }
"""
