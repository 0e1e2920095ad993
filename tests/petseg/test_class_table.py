"""Class tables as people write them, in full and in short."""

import numpy as np
import pytest
from pydantic import ValidationError

from petseg.class_colors import RESERVED, distinct_colors
from petseg.class_table import LONGEST_NAME, ClassTable, class_key
from petseg.errors import UserError
from pipeline.settings import load_settings


def table(classes: object, **others: object) -> ClassTable:
    return ClassTable.model_validate({"classes": classes, **others})


def from_yaml(folder, text: str) -> ClassTable:
    file = folder / "config.yaml"
    file.write_text(f"data:\n  classes: {text}\n", encoding="utf-8")
    return load_settings(file).data.classes


def entry(value: int, name: str, **others: object) -> dict[str, object]:
    return {"value": value, "name": name, **others}


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("{0: road, 1: car}", ("road", "car"), (0, 1)),
        ("{1: road, 7: traffic light, ignored_value: 0}", ("road", "traffic light"), (1, 7)),
        ("{classes: {3: road, 4: car}, ignored_value: [0, 1, 2]}", ("road", "car"), (3, 4)),
        ("[road, car]", ("road", "car"), (0, 1)),
        ("{classes: [road, car]}", ("road", "car"), (0, 1)),
        ("[yes, no, on, off]", ("yes", "no", "on", "off"), (0, 1, 2, 3)),
        ("{0: yes, 1: no}", ("yes", "no"), (0, 1)),
        ("[{value: 0, name: yes}, {value: 1, name: no}]", ("yes", "no"), (0, 1)),
        ("[{value: 0, name: 2024}, {value: 1, name: straße 道}]", ("2024", "straße 道"), (0, 1)),
    ],
)
def test_forms(tmp_path, text, names, values):
    read = from_yaml(tmp_path, text)
    assert (read.names, read.values) == (names, values)
    assert ClassTable.model_validate_json(read.model_dump_json()) == read


@pytest.mark.parametrize(
    "text",
    [
        '[{value: 0, name: road, color: "#444444"}, {value: 1, name: car, color: "#d62728"}]',
        "[{value: 0, name: road, color: #444444}, {value: 1, name: car, color: #d62728}]",
        "\n    - value: 0\n      name: road\n      color: #444444\n    - value: 1\n      name: car\n"
        "      color: #d62728  # red\n",
    ],
)
def test_colors_with_and_without_quotes(tmp_path, text):
    assert from_yaml(tmp_path, text).colors == ((0x44, 0x44, 0x44), (0xD6, 0x27, 0x28))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{value: 0, name: a}, {value: 1, name: true}]", 'name of a class must be text.*name: "..."'),
        ("[{value: 0, name: a}, {value: 1, name: }]", "name of a class must be text"),
        ("[{value: 0, name: a, color: #44}, {value: 1, name: b}]", "YAML"),
        (
            "\n    - {value: 0, name: a}\n    - value: 1\n      name: b\n      color: #123\n",
            'color: "#444444"',
        ),
        ("\n    - {value: 0, name: a}\n    - value: 1\n      name: b\n      source: #123\n", "in quotes"),
        ("[{value: 0, name: a}, {value: 300, name: b}]", "0 to 255; received 300.*source: 300"),
        ("[{value: 0, name: a, color: red}, {value: 1, name: b}]", "color: \"#444444\"; received 'red'"),
        ("[{value: 0, name: traffic light}, {value: 1, name: traffic_light}]", "same key, traffic_light"),
        ("[{value: 0, name: a}, {value: 0, name: b}]", "values must be unique"),
        (
            "[{value: 0, name: a, source: 7}, {value: 1, name: b, source: [7, 8]}]",
            "source 7 stands for a and",
        ),
        ("{classes: [{value: 0, name: a, source: 9}, {value: 1, name: b}], ignored_value: [9]}", "class a"),
        ("[{value: 0, name: a, source: -1}, {value: 1, name: b}]", "number from 0"),
        (f"[a, {'x' * (LONGEST_NAME + 1)}]", f"at most {LONGEST_NAME} letters"),
    ],
)
def test_what_is_ambiguous_is_refused_with_the_field(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as error:
        from_yaml(tmp_path, text)
    assert "\n" not in str(error.value)


def test_keys_are_made_of_names():
    names = ["traffic light", "Car", "class_1", "Straße/Weg", "道路", "building, edifice"]
    keys = ["traffic_light", "car", "class_1", "strae_weg", "class_4", "building_edifice"]
    assert [class_key(name, value) for value, name in enumerate(names)] == keys
    assert table(names).keys == tuple(keys)


def test_sources_stand_for_classes_and_for_ignored_pixels():
    city = table(
        [
            entry(0, "road", source=[7, 8], color="#804080"),
            entry(1, "car", source=[26, 1000, "#00008E", "truck"], color="#111111"),
            entry(2, "person", source=[[220, 20, 60]]),
        ],
        ignored_value=[0, 1, 300, "#000000", "void"],
    )
    assert city.stored_ignored == 255, "0 and 1 are values of classes, 300 fits in no byte"
    assert city.value_of_number == {7: 0, 8: 0, 26: 1, 1000: 1, 2: 2, 0: 255, 1: 255, 300: 255}
    assert city.value_of_color == {"#804080": 0, "#00008e": 1, "#dc143c": 2, "#000000": 255}
    assert city.value_of_label == {"road": 0, "truck": 1, "person": 2, "void": 255}
    assert city.known_values == (0, 1, 2, 255)


@pytest.mark.parametrize(("ignored", "stored"), [(255, 255), ([7, 9], 7), ([1000], 254), ("void", 254)])
def test_ignored_pixels_are_stored_as_the_first_that_is_free(ignored, stored):
    assert (
        table([entry(0, "a"), entry(255, "b", source=[0, 255][1:])], ignored_value=None).stored_ignored
        is None
    )
    if ignored != 255:
        assert table([entry(0, "a"), entry(255, "b")], ignored_value=ignored).stored_ignored == stored
    else:
        assert table([entry(0, "a"), entry(1, "b")], ignored_value=ignored).stored_ignored == stored


def test_a_color_of_two_classes_stands_for_neither():
    both = table(
        [entry(0, "a", color="#123456"), entry(1, "b", color="#123456"), entry(2, "c", color="#222222")]
    )
    assert both.value_of_color == {"#222222": 2}


def test_missing_colors_are_chosen_apart_from_all_others():
    read = table(
        [entry(0, "a", color="#102030"), *(entry(value, f"class {value}") for value in range(1, 40))]
    )
    colors = np.array([*read.colors, *(list(bytes.fromhex(color[1:])) for color in RESERVED)], int)
    distances = np.abs(colors[:, None] - colors).sum(axis=2) + 10**6 * np.eye(len(colors), dtype=int)
    assert distances.min() >= 40
    assert len(set(distinct_colors(254))) == 254


def test_a_table_of_an_earlier_release_is_the_same():
    stored = {
        "classes": [
            {"value": 1, "name": "Pet", "color": "#F2A03D"},
            {"value": 2, "name": "b", "color": "#2e4a62"},
        ],
        "ignored_value": 255,
    }
    read = ClassTable.model_validate(stored)
    assert read.model_dump(mode="json") == {
        "classes": [{**each, "source": []} for each in stored["classes"]],
        "ignored_value": 255,
    }
    assert (read.known_values, read.value_of_color["#f2a03d"]) == ((1, 2, 255), 1)


def test_a_name_and_a_key_that_differ_work_in_thresholds_and_slices(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(
        """
data:
  classes: {0: road, 1: Traffic light}
  sized_class: Traffic light
evaluation:
  foreground: [Traffic light]
  thresholds:
    - {metric: native/iou/traffic_light, minimum: 0.1}
    - {metric: native/iou/Traffic light, minimum: 0.1, slice: slice/traffic_light_size}
"""
    )
    settings = load_settings(file)
    assert settings.data.slice_features == ("slice/photo_size", "slice/traffic_light_size")


def test_a_list_with_one_class_is_refused():
    with pytest.raises(ValidationError, match="at least two"):
        table(["road"])


def test_as_many_classes_as_a_byte_holds_beside_ignored_pixels():
    """One value stays for the mask's ignored pixels, and one class id for those of the model."""
    names = [f"class {value}" for value in range(256)]
    full = table(
        [{"value": value, "name": name} for value, name in enumerate(names[:254])], ignored_value=1000
    )
    assert (len(full), full.stored_ignored) == (254, 255)
    with pytest.raises(ValidationError, match="at most 254 classes; received 256"):
        table([{"value": value, "name": name} for value, name in enumerate(names)])
