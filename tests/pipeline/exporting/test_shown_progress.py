"""What a person sees while a model is exported."""

import io

from pipeline.exporting.shown_progress import ShownProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_what_is_done_and_how_much_of_it():
    terminal = Terminal()
    assert list(ShownProgress(terminal).track(iter("abc"), "evaluating")) == ["a", "b", "c"]
    assert "evaluating" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()


def test_a_file_gets_nothing():
    file = io.StringIO()
    assert list(ShownProgress(file).track("abc", "evaluating")) == ["a", "b", "c"]
    assert file.getvalue().strip() == ""
