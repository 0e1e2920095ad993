"""The app in a real browser, on a tiny model whose classes are dark, medium and bright."""

import io
import os
import re
import signal
import subprocess
import sys
import zipfile

import numpy as np
import psutil
import pytest
import requests
from PIL import Image

from petseg.class_table import ClassTable
from pipeline.prediction.app_page import described_model
from tests.browser import needs_chromium, shown
from tests.components.serving_models import TABLE
from tests.conftest import PROJECT, petseg
from tests.ports import reserve_port
from trainer.export.model_card import model_card
from trainer.settings import TrainingSettings


@pytest.fixture(scope="module")
def app(model, tmp_path_factory):
    """The running app, which takes at most 1 MB; yields its process and address."""
    port = reserve_port()
    temporary = tmp_path_factory.mktemp("uploads")
    process = subprocess.Popen(
        [
            *(sys.executable, "pipeline_runner.py", "app", "--model", model),
            *("--port", str(port), "--max-upload-mb", "1"),
        ],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    first_line = process.stdout.readline()
    if f"http://127.0.0.1:{port}/" not in first_line:
        process.kill()
        pytest.fail(first_line + process.stdout.read())
    yield process, f"http://127.0.0.1:{port}/"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert list(temporary.iterdir()) == [], "photos of people are left behind"


@pytest.fixture(scope="module")
def turned_photo(tmp_path_factory):
    """A photo whose left half is dark and whose right half is bright, stored lying on its side."""
    upright = np.full((40, 80, 3), 30, np.uint8)
    upright[:, 40:] = 225
    orientation = Image.Exif()
    orientation[0x0112] = 6
    path = tmp_path_factory.mktemp("photo") / "on its side.jpg"
    Image.fromarray(upright).rotate(90, expand=True).save(path, exif=orientation, quality=95)
    return path


def upload(page, path):
    page.set_input_files("#upload input[type=file]", path)


@needs_chromium
@pytest.mark.parametrize(("width", "color_scheme"), [(1280, "light"), (390, "dark")])
def test_a_photo_gets_its_overlay_shares_and_latency(app, turned_photo, tmp_path, width, color_scheme):
    _, address = app
    with shown(address, width, color_scheme) as browser:
        upload(browser.page, turned_photo)
        browser.page.wait_for_selector("#prediction ul")
        told = browser.page.inner_text("#prediction")
        assert "on its side.jpg" in told
        assert re.search("80 . 40 px", told)
        assert re.search(r"predicted in \d+ ms", told)
        shares = [float(share) for share in re.findall(r"([\d.]+)%", told)]
        assert shares == pytest.approx([50, 0, 50], abs=8)
        browser.page.wait_for_function("document.querySelectorAll('#pictures img').length == 2")
        sources = browser.page.eval_on_selector_all("#pictures img", "all => all.map(one => one.src)")
        photo, overlay = (
            np.asarray(Image.open(io.BytesIO(requests.get(source, timeout=30).content)).convert("RGB"), int)
            for source in sources
        )
        assert photo.shape == overlay.shape == (40, 80, 3)
        assert abs(photo[20, 5] - 30).max() < 10, "the photo is upright: dark is on the left"
        assert abs(overlay[20, 5] - (photo[20, 5] + [255, 0, 0]) / 2).max() <= 2
        assert abs(overlay[20, 75] - (photo[20, 75] + [0, 0, 255]) / 2).max() <= 2
        browser.page.wait_for_function("[...document.images].every(one => one.complete)")
        assert browser.broken_images() == []
        assert not browser.is_wider_than_the_window()
        assert browser.errors == []
        assert browser.outside == []


@needs_chromium
def test_what_is_no_photo_is_refused_with_the_reason_and_the_next_one_works(app, turned_photo, tmp_path):
    _, address = app
    notes, half = tmp_path / "notes.txt", tmp_path / "half.jpg"
    notes.write_text("hello")
    half.write_bytes(turned_photo.read_bytes()[:500])
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(1_200_000))
    with shown(address) as browser:
        upload(browser.page, notes)
        browser.page.wait_for_selector("#prediction [role=alert]")
        told = browser.page.inner_text("#prediction")
        assert told.startswith("notes.txt: is not an image")
        assert "JPEG, PNG" in told
        upload(browser.page, half)
        browser.page.wait_for_selector('#prediction [role=alert]:has-text("half.jpg: is not an image")')
        upload(browser.page, large)
        browser.page.wait_for_selector("text=exceed the maximum allowed size of 1.0 Mb")
        upload(browser.page, turned_photo)
        browser.page.wait_for_selector("#prediction ul")
        assert browser.outside == []


def test_listens_on_this_machine_only_and_takes_no_large_file_from_anyone(app):
    process, address = app
    children = psutil.Process(process.pid).children(recursive=True)
    listening = {
        connection.laddr.ip
        for one in [psutil.Process(process.pid), *children]
        for connection in one.connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    answer = requests.post(
        f"{address}gradio_api/upload", files={"files": ("large.jpg", bytes(1_200_000))}, timeout=30
    )
    assert answer.status_code == 413
    page = requests.get(address, timeout=30).text
    assert "fonts.g" not in page


def test_what_is_missing_is_one_line(model, tmp_path):
    done = petseg("app", "--model", tmp_path)
    assert done.status == 2
    assert done.stderr.startswith(f"error: --model {tmp_path}: no pushed model there")
    assert done.stderr.count("\n") == 1
    without_gradio = (
        "import sys; sys.modules['gradio'] = None; import pipeline_runner; pipeline_runner.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", without_gradio, "app", "--model", model],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: app needs Gradio, which is not installed; "
        "run make setup, or pip install '.[app]' in a checkout\n"
    )


def test_a_port_that_is_taken_is_one_line(app, model):
    _, address = app
    port = address.rsplit(":", 1)[-1].strip("/")
    done = petseg("app", "--model", model, "--port", port)
    assert done.status == 2
    assert done.stderr == (
        f"error: cannot listen on 127.0.0.1, port {port}; choose another --port, or a --host of this "
        "machine\n"
    )


@needs_chromium
def test_an_example_is_segmented_its_mask_downloaded_and_nothing_jumps(app, tmp_path):
    _, address = app
    with shown(address) as browser:
        page = browser.page
        page.wait_for_selector("#prediction ol")
        assert page.inner_text("#prediction ol").startswith("dark")
        assert "3 classes" in page.inner_text("#head")
        before = [page.locator(each).bounding_box() for each in ("#pictures", "#upload", "#mask")]
        page.locator("#examples button img").first.click()
        page.wait_for_selector("#prediction ul")
        page.wait_for_function("document.querySelectorAll('#pictures img').length == 2")
        after = [page.locator(each).bounding_box() for each in ("#pictures", "#upload", "#mask")]
        assert before == after
        with page.expect_download() as downloading:
            page.click("#mask")
        downloading.value.save_as(tmp_path / "mask.png")
        mask = Image.open(tmp_path / "mask.png")
        assert mask.mode == "P"
        assert set(np.unique(mask)) <= {10, 20, 30}
        assert browser.errors == []


@needs_chromium
def test_several_photos_are_shown_one_by_one_and_downloaded_together(app, turned_photo, tmp_path):
    _, address = app
    other = tmp_path / "other.png"
    Image.new("RGB", (50, 20), (225, 225, 225)).save(other)
    notes = tmp_path / "notes.txt"
    notes.write_text("hello")
    with shown(address) as browser:
        page = browser.page
        upload(page, [turned_photo, other, notes])
        page.wait_for_selector("#photos img")
        told = page.inner_text("#prediction")
        assert told.startswith("on its side.jpg")
        assert "notes.txt: is not an image" in told
        page.locator("#photos button img").nth(1).click()
        page.wait_for_selector("#prediction:has-text('other.png')")
        with page.expect_download() as downloading:
            page.click("#mask")
        downloading.value.save_as(tmp_path / "masks.zip")
        assert set(zipfile.ZipFile(tmp_path / "masks.zip").namelist()) == {"on its side.png", "other.png"}


def test_the_name_and_metric_of_the_model_are_in_the_head(model, tmp_path):
    card = model / "1790000000" / "assets.extra" / "model_card.md"
    assert not card.exists()
    described = described_model(model / "1790000000", ClassTable())
    assert described == "Model, version `1790000000`, 0 classes"
    version = tmp_path / "1790000001"
    (version / "assets.extra").mkdir(parents=True)
    history = [{"epoch": 1, "mean_iou": 0.7525, "iou": {"pet": 0.9}}]
    settings = TrainingSettings(classes=TABLE)
    (version / "assets.extra" / "model_card.md").write_text(model_card(settings, history, 8, 2))
    assert described_model(version, TABLE) == (
        "**unet-mobilenet-v2-128**, version `1790000001`, 3 classes, mean IoU **0.7525** on the eval split"
    )
