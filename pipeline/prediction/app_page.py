"""The app's page: upload, examples, pictures, class shares and a mask to download."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from petseg.class_table import ClassTable
from petseg.saved_model import EXTRA_FOLDER, MODEL_CARD_FILE
from pipeline.prediction.app_results import (
    EXAMPLES,
    Shown,
    example_photos,
    legend,
    segment_file,
    write_download,
)

if TYPE_CHECKING:
    from petseg.segmenter import Segmenter

MOST_PHOTOS = 20
"""Photos of one upload that are predicted."""

TILES = 100
"""Height of rows of small pictures, in pixels."""


def build_page(
    gradio: Any, segmenter: "Segmenter", version: Path, downloads: Path, max_upload_mb: int
) -> Any:
    """Builds the page.

    Args:
        gradio: The module.
        segmenter: The model.
        version: Its folder.
        downloads: Folder for examples and for masks to download.
        max_upload_mb: Size of the largest accepted file in MB.

    Returns:
        Gradio's Blocks.
    """
    examples = _example_files(version, downloads / "examples")
    masks = downloads / "masks"
    masks.mkdir()

    def segment(paths: Sequence[str]) -> tuple[Any, ...]:
        results = [segment_file(segmenter, Path(path)) for path in paths[:MOST_PHOTOS]]
        # Empty the drop zone for the next photos.
        return (None, results, *show(results, 0))

    def segment_example(event: gradio.SelectData) -> tuple[Any, ...]:
        return segment([str(examples[event.index])])

    def select(results: list[Shown], event: gradio.SelectData) -> tuple[Any, ...]:
        return show(results, event.index)[:3]

    def show(results: list[Shown], index: int) -> tuple[Any, ...]:
        shown = results[index]
        refused = "".join(each.html for each in results if each.pictures is None and each is not shown)
        file = write_download(results, masks)
        several = len(results) > 1
        label = "Download the masks (ZIP)" if several else "Download the mask (PNG)"
        thumbnails = [(each.pictures[1], each.name) for each in results if each.pictures] if several else []
        return (
            shown.pictures,
            shown.html + refused,
            gradio.DownloadButton(label, value=str(file) if file else None, interactive=file is not None),
            gradio.Gallery(thumbnails, visible=len(thumbnails) > 1),
        )

    # Uploads are deleted after an hour, and when the app stops.
    tiles = partial(
        gradio.Gallery,
        show_label=False,
        columns=EXAMPLES,
        height=TILES,
        object_fit="cover",
        fit_columns=False,
        allow_preview=False,
        interactive=False,
        buttons=[],
    )
    with gradio.Blocks(analytics_enabled=False, title="Segment a photo", delete_cache=(600, 3600)) as page:
        gradio.Markdown(f"# Segment a photo\n{described_model(version, segmenter.classes)}", elem_id="head")
        results = gradio.State([], time_to_live=3600)
        with gradio.Row():
            with gradio.Column(scale=2, min_width=280):
                upload = gradio.File(
                    label=f"Photos, at most {max_upload_mb} MB each",
                    file_count="multiple",
                    elem_id="upload",
                    height=160,
                )
                if examples:
                    gradio.HTML('<div class="hint">Or one of these, which the model was evaluated on:</div>')
                    gallery = tiles([str(file) for file in examples], elem_id="examples")
                details = gradio.HTML(legend(segmenter.classes), elem_id="prediction")
            with gradio.Column(scale=3, min_width=280):
                pictures = gradio.ImageSlider(
                    elem_id="pictures",
                    show_label=False,
                    interactive=False,
                    format="png",
                    height=460,
                    max_height=460,
                    buttons=["download", "fullscreen"],
                )
                download = gradio.DownloadButton("Download the mask (PNG)", interactive=False, elem_id="mask")
                thumbnails = tiles(visible=False, elem_id="photos")
        shown = [pictures, details, download, thumbnails]
        upload.upload(segment, upload, [upload, results, *shown], api_visibility="private")
        if examples:
            gallery.select(segment_example, None, [upload, results, *shown], api_visibility="private")
        thumbnails.select(select, results, shown[:3], api_visibility="private")
    return page


def described_model(version: Path, classes: ClassTable) -> str:
    """The model's name and metric from its card, and its version."""
    card = version / EXTRA_FOLDER / MODEL_CARD_FILE
    name, measured = "Model", ""
    if card.is_file():
        header = yaml.safe_load(card.read_text(encoding="utf-8").split("---\n")[1])
        model = header["model-index"][0]
        (metric,) = model["results"][0]["metrics"]
        name, measured = f"**{model['name']}**", f", mean IoU **{metric['value']:.4f}** on the eval split"
    return f"{name}, version `{version.name}`, {len(classes)} classes{measured}"


def _example_files(version: Path, folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    files = []
    for png, name in example_photos(version):
        file = folder / f"{Path(name).name}.png"
        file.write_bytes(png)
        files.append(file)
    return files


STYLE = """
.gradio-container { max-width: 80rem !important; width: 100% !important; margin-inline: auto !important; }
.hint { color: var(--body-text-color-subdued); }
#prediction .name { font-weight: 600; }
#prediction .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#prediction .latency { color: var(--body-text-color-subdued); margin-bottom: 1rem; min-height: 3em; }
#prediction :is(ul, ol) { list-style: none; margin: 0; padding: 0; font-variant-numeric: tabular-nums; }
#prediction :is(ul, ol) { max-height: 24rem; overflow-y: auto; }
#prediction li { display: grid; grid-template-columns: 1fr auto; gap: .25rem 1rem; margin-bottom: .75rem; }
#prediction .bar { grid-column: 1 / -1; height: .5rem; background: var(--border-color-primary); }
#prediction .bar span { display: block; height: 100%; }
#prediction :is(.bar, .bar span) { border-radius: .25rem; }
#prediction i { display: inline-block; width: .75em; height: .75em; margin-right: .5em; border-radius: 3px; }
#prediction :is(i, .bar span) { box-shadow: inset 0 0 0 1px rgb(128 128 128 / .55); }
#prediction .refused { padding: .9rem 1rem; border-radius: .5rem; overflow-wrap: anywhere; }
#prediction .refused { background: var(--error-background-fill); color: var(--error-text-color); }
#prediction .refused { border: 1px solid var(--error-border-color); margin-block: .5rem; }
"""
