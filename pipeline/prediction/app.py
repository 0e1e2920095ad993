"""A web page that segments photos."""

import os
import signal
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from petseg.errors import UserError
from pipeline.prediction.app_page import STYLE, build_page
from pipeline.prediction.app_results import warm_up
from pipeline.prediction.model import load_segmenter, model_folder
from pipeline.runs.run_log import redirect_output

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
            segmenter = load_segmenter(version)
            warm_up(segmenter)
        page = build_page(gradio, segmenter, version, Path(uploads), options.max_upload_mb)
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
