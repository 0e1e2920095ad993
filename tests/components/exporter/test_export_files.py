"""What an export leaves in its folder."""

from components.exporter.export_files import _place


def test_a_refused_file_takes_the_place_of_no_earlier_one(tmp_path):
    file = tmp_path / "scratch" / "model.onnx"
    file.parent.mkdir()
    file.write_bytes(b"first")
    output = tmp_path / "output"
    _place(file, True, output)
    assert (output / "model.onnx").read_bytes() == b"first"
    file.write_bytes(b"second")
    _place(file, False, output)
    assert not (output / "model.onnx").exists(), "it would be taken for the refused one"
