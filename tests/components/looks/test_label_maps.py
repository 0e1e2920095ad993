"""Names of classes are found in the files that tools and data sets put beside their masks."""

import pytest

from components.example_gen.looks.recognition.label_maps import find_label_maps
from components.example_gen.looks.tree import list_tree

COLORS = {0x000000: "ground", 0x804080: "traffic light"}
VALUES = {0: "ground", 1: "traffic light"}


@pytest.mark.parametrize(
    ("file", "text", "by_value", "by_color"),
    [
        (
            "labelmap.txt",
            "# label:color_rgb:parts:actions\nground:0,0,0::\ntraffic light:128,64,128::\n",
            VALUES,
            COLORS,
        ),
        ("classes.txt", "ground\ntraffic light\n", VALUES, {}),
        ("label_names.txt", "0 ground\n1 traffic light\n", VALUES, {}),
        ("labels.txt", "ground 0\ntraffic light 1\n", VALUES, {}),
        ("label_colors.txt", "0 0 0\tground\n128 64 128\ttraffic light\n", {}, COLORS),
        ("class_dict.csv", "name,r,g,b\nground,0,0,0\ntraffic light,128,64,128\n", {}, COLORS),
        ("_classes.csv", "Pixel Value, Class\n0, ground\n1, traffic light\n", VALUES, {}),
        ("classes.csv", "id;name;color\n0;ground;#000000\n1;traffic light;#804080\n", VALUES, COLORS),
        (
            "objectInfo150.txt",
            "Idx\tRatio\tTrain\tVal\tStuff\tName\n1\t1\t1\t1\t0\twall\n2\t1\t1\t1\t0\tdoor, double door\n",
            {1: "wall", 2: "door, double door"},
            {},
        ),
        ("data.yaml", "names:\n  0: ground\n  1: traffic light\n", VALUES, {}),
        ("data.yaml", "names: [ground, traffic light]\n", VALUES, {}),
        ("label_map.json", '{"ground": 0, "traffic light": 1}', VALUES, {}),
        ("id2label.json", '{"0": "ground", "1": "traffic light"}', VALUES, {}),
        ("classes.json", '["ground", "traffic light"]', VALUES, {}),
        ("label_colors.json", '{"ground": [0, 0, 0], "traffic light": "#804080"}', {}, COLORS),
        (
            "categories.json",
            '{"categories": [{"id": 0, "name": "ground", "color": [0, 0, 0]},'
            ' {"id": 1, "name": "traffic light", "color": [128, 64, 128]}]}',
            VALUES,
            COLORS,
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_reads_names(tmp_path, file, text, by_value, by_color, encoding):
    (tmp_path / file).write_text(text.replace("\n", "\r\n"), encoding=encoding, newline="")
    (found,) = find_label_maps(list_tree(str(tmp_path)))
    assert (found.file, found.by_value, found.by_color) == (file, by_value, by_color)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("train_labels.txt", "images/a.jpg\nimages/b.jpg\n"),
        ("metadata.csv", "photo,patient\na,1\nb,2\n"),
        ("labels.json", "{broken"),
        ("labels.json", '{"version": 1.5}'),
        ("classes.txt", "only\n"),
    ],
)
def test_other_files_are_no_label_maps(tmp_path, file, text):
    (tmp_path / file).write_text(text)
    assert find_label_maps(list_tree(str(tmp_path))) == []
