"""ExampleGen on the real TFDS builder, run on small archives from a local server."""

import functools
import http.server
import tarfile
import threading
from pathlib import Path

import pytest

from petseg.errors import UserError
from tests.components import tiny_pairs
from tests.components.tiny_pairs import TEST, TRAINVAL, pets_data, run_example_gen

TFDS = {"format": "tfds", "tfds_builder": "oxford_iiit_pet:4.*.*"}
XML = """<annotation><size><width>64</width><height>48</height></size><object><bndbox>
<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def pets(tmp_path_factory) -> Path:
    return tiny_pairs.write_pets(tmp_path_factory.mktemp("pets") / "pets")


@pytest.fixture(scope="module")
def prepared(pets, tmp_path_factory) -> Path:
    """A TFDS data folder in which `oxford_iiit_pet` was downloaded and prepared."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.datasets.oxford_iiit_pet import oxford_iiit_pet_dataset_builder as module

    served, data_dir = tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("tfds")
    (pets / "annotations/xmls").mkdir()
    for name in TRAINVAL + TEST:
        (pets / f"annotations/xmls/{name}.xml").write_text(XML)
    for archive in ("images", "annotations"):
        with tarfile.open(served / f"{archive}.tar.gz", "w:gz") as tar:
            tar.add(pets / archive, archive)
    handler = functools.partial(QuietHandler, directory=str(served))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        patch.setattr(module, "_BASE_URL", f"http://127.0.0.1:{server.server_port}")
        patch.setenv("NO_PROXY", "127.0.0.1")
        builder = tfds.builder("oxford_iiit_pet:4.*.*", data_dir=data_dir)
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
        server.shutdown()
    return data_dir


def test_writes_the_same_examples_as_the_official_layout(pets, prepared, tmp_path):
    official = run_example_gen(tmp_path / "official", pets_data(pets))
    from_tfds = run_example_gen(tmp_path / "tfds", pets_data(prepared, **TFDS))
    assert from_tfds.records == official.records
    assert from_tfds.report == official.report
    assert set(from_tfds.files) == set(official.files), "what was unpacked must not stay in the artifact"


def test_an_unprepared_data_set_is_refused_with_the_command_that_prepares_it(tmp_path):
    data = pets_data(tmp_path, **TFDS)
    with pytest.raises(UserError, match="tfds build oxford_iiit_pet --data_dir") as error:
        run_example_gen(tmp_path / "out", data)
    assert "\n" not in str(error.value)
