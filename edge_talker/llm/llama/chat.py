"""The model's own chat template, cut into the pieces between which questions and replies stand.

Knows Jinja and the messages of a chat. A template is run once, on marks in place of texts: so what
a person says can never be taken for a part of the template or for a special token, and every turn
appends to the one before. Templates come with models, so they run in a sandbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import jinja2
from jinja2.ext import LoopControlExtension
from jinja2.sandbox import ImmutableSandboxedEnvironment

from edge_talker.errors import EngineError
from edge_talker.llm.llama import Tokens
from edge_talker.llm.llama.library import Library

_SYSTEM, _ASKED, _REPLY, _ASKED_AGAIN = (f"mark-{i}-of-the-chat" for i in range(4))


@dataclass(frozen=True, slots=True)
class Chat:
    """A prompt is `head`, question, `middle`, reply, `link`, question, `middle`, reply, ..."""

    head: Tokens  # with the persona
    middle: Tokens
    link: Tokens


def chat_of(library: Library, system: str) -> Chat:
    """Return the pieces of a model's template, with the persona in the head.

    Raises:
        EngineError: the template cannot be used.

    """
    before, after, middle, link = _cut(library)
    persona = library.tokenize(system)
    head = (*library.tokenize(before, special=True), *persona,
            *library.tokenize(after, special=True))  # fmt: skip
    if library.adds_begin and library.begin >= 0 and head[:1] != (library.begin,):
        head = (library.begin, *head)
    return Chat(head, library.tokenize(middle, special=True), library.tokenize(link, special=True))


def _cut(library: Library) -> tuple[str, str, str, str]:
    """Return the texts before and after the persona, before a reply, and after one."""
    source = library.template()
    if not source:
        return "", "\n\nQuestion: ", "\nAnswer: ", "\nQuestion: "
    system = {"role": "system", "content": _SYSTEM}
    asked = {"role": "user", "content": _ASKED}
    reply = {"role": "assistant", "content": _REPLY}
    again = {"role": "user", "content": _ASKED_AGAIN}
    both = {"role": "user", "content": f"{_SYSTEM}\n\n{_ASKED}"}
    errors = []
    for first in ((system, asked), (both,)):  # not every model knows a system's message
        try:
            opening = _rendered(library, source, first)
            whole = _rendered(library, source, (*first, reply, again))
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            errors.append(str(error))
            continue
        pieces = _between(opening, _SYSTEM, _ASKED)
        links = _between(whole, _REPLY, _ASKED_AGAIN)
        if pieces and links:
            before, after, middle = pieces
            return before, after, middle, links[1]
        errors.append("it leaves out what was said")
    raise EngineError(
        f"The model's chat template cannot be used: {'; '.join(errors)}",
        "Export the model again from a folder with a chat template.",
    )


def _rendered(library: Library, source: str, messages: Sequence[dict[str, str]]) -> str:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[LoopControlExtension]
    )
    return environment.from_string(source).render(
        messages=messages,
        add_generation_prompt=True,
        enable_thinking=False,  # nobody waits for thoughts that are not spoken
        bos_token=library.special_text(library.begin),
        eos_token=library.special_text(library.end),
        raise_exception=_refuse,
    )


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _between(text: str, *marks: str) -> list[str] | None:
    """Return what stands around the marks; None where they are not all there, in order."""
    pieces = []
    for mark in marks:
        piece, found, text = text.partition(mark)
        if not found:
            return None
        pieces.append(piece)
    return [*pieces, text]
