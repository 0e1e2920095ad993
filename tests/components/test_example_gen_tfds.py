"""ExampleGen on the real TFDS builder, run on small archives from a local server."""

import functools
import http.server
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from pipeline.inspection.init import write_config
from pipeline.settings import load_settings
from tests.components import tiny_pairs
from tests.components.read_examples import read
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


def test_init_writes_a_config_that_reads_the_same_examples(pets, prepared, tmp_path):
    list(write_config("petseg", str(prepared), tmp_path / "mine.yaml", None))
    data = load_settings(tmp_path / "mine.yaml").data
    assert (data.format, data.tfds_builder) == ("tfds", "oxford_iiit_pet:4.0.0")
    assert data.classes.names == ("pet", "background", "border")
    official = read(tmp_path / "official", pets_data(pets))
    assert read(tmp_path / "tfds", data).examples.keys() == official.examples.keys()


def test_an_unprepared_data_set_is_refused_with_the_command_that_prepares_it(tmp_path):
    data = pets_data(tmp_path, **TFDS)
    with pytest.raises(UserError, match="tfds build oxford_iiit_pet --data_dir") as error:
        run_example_gen(tmp_path / "out", data)
    assert "\n" not in str(error.value)


CLASSES = [{"value": 0, "name": "ground"}, {"value": 1, "name": "leaf"}]


def prepare_any(
    folder: Path, features: dict[str, object], splits: dict[str, list[dict[str, object]]]
) -> None:
    """Prepares a data set that TFDS does not know, as a user's own builder leaves it."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    shapes = tfds.features.FeaturesDict(features)
    tfds.dataset_builders.store_as_tfds_dataset(
        name="leaves",
        version="1.0.0",
        data_dir=str(folder),
        split_datasets={
            split: tf.data.Dataset.from_generator(
                functools.partial(iter, examples), output_signature=shapes.get_tensor_spec()
            )
            for split, examples in splits.items()
        },
        features=shapes,
    )


def test_any_builder_with_an_image_and_a_mask(tmp_path):
    import tensorflow_datasets as tfds

    def example(number: int) -> dict[str, object]:
        picture = np.asarray(tiny_pairs.photo(number))
        return {
            "image": picture,
            "mask": np.asarray(tiny_pairs.mask(values=(0, 1)))[..., None],
            "id": f"leaf {number}.png",
        }

    features = {
        "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
        "mask": tfds.features.Image(shape=(None, None, 1), encoding_format="png"),
        "id": tfds.features.Text(),
    }
    splits = {"train": range(10), "validation": range(10, 14), "test": range(14, 20)}
    prepare_any(
        tmp_path / "tfds", features, {s: [example(n) for n in numbers] for s, numbers in splits.items()}
    )
    settings = {"path": str(tmp_path / "tfds"), "format": "tfds", "tfds_builder": "leaves:1.*.*"}
    written = run_example_gen(tmp_path / "out", DataSettings.model_validate(settings | {"classes": CLASSES}))
    for split, numbers in splits.items():
        assert sorted(written.names({"validation": "eval"}.get(split, split))) == sorted(
            f"{split}/leaf {number}" for number in numbers
        )
    one = written.example("test/leaf 15")
    np.testing.assert_array_equal(tiny_pairs.decoded_photo(one), np.asarray(tiny_pairs.photo(15)))
    np.testing.assert_array_equal(tiny_pairs.decoded_mask(one), np.asarray(tiny_pairs.mask(values=(0, 1))))
    wrong = DataSettings.model_validate(settings | {"classes": CLASSES, "masks": "id"})
    with pytest.raises(
        UserError, match=r"data\.masks must name a feature .*; it has image, mask; received id"
    ):
        run_example_gen(tmp_path / "again", wrong)
