"""The command line, from its Typer application."""

import inspect
from collections.abc import Iterator
from typing import Any, get_args

import typer

from pipeline.commands.registry import command_line


def commands_page() -> str:
    """Every command with its usage, options, and example."""
    return "\n\n".join(_sections(typer.main.get_command(command_line()), ""))


def _sections(group: Any, prefix: str) -> Iterator[str]:
    for name, command in group.commands.items():
        full_name = f"{prefix}{name}"
        yield "\n\n".join(_section(full_name, command))
        if hasattr(command, "commands"):
            yield from _sections(command, f"{full_name} ")


def _section(name: str, command: Any) -> Iterator[str]:
    parameters = [one for one in command.params if one.name != "help" and not one.hidden]
    yield f"## {name}" if " " not in name else f"### {name}"
    yield inspect.cleandoc(command.help or "")
    usage = [_usage(one) for one in parameters]
    yield "```text\n" + _wrapped(["python pipeline_runner.py", *name.split(), *usage]) + "\n```"
    if parameters:
        rows = [f"| {_name(one)} | {_cell(one.help or '')} | {_default(one)} |" for one in parameters]
        yield "\n".join(["| option | meaning | default |", "|---|---|---|", *rows])
    if command.epilog:
        yield command.epilog


def _is_argument(parameter: Any) -> bool:
    return not parameter.opts[0].startswith("-")


def _metavar(parameter: Any) -> str:
    choices = [str(one) for one in get_args(parameter.type_descriptor.annotation) if isinstance(one, str)]
    return parameter.metavar or "|".join(choices) or parameter.name.upper()


def _usage(parameter: Any) -> str:
    if _is_argument(parameter):
        return _metavar(parameter)
    flag = parameter.opts[0]
    text = flag if parameter.is_flag else f"{flag} {_metavar(parameter)}"
    text = text if parameter.required else f"[{text}]"
    return f"{text}..." if parameter.multiple else text


def _wrapped(words: list[str], width: int = 88) -> str:
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("   ")
        lines[-1] += f" {word}"
    return "\n".join(lines)


def _name(parameter: Any) -> str:
    if _is_argument(parameter):
        return f"`{_metavar(parameter)}`"
    value = "" if parameter.is_flag else f" {_metavar(parameter)}"
    return "`" + (parameter.opts[0] + value).replace("|", "` or `") + "`"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.default is None or parameter.default is False:
        return ""
    return f"`{parameter.default}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")
