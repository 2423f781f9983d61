"""A small flow that works, to begin with."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")

_SOURCE = """\
flow: {name}
start: greet
languages: [en]
queue: {queue}
variables: {{company: {company}}}
always: {{agent: to_person, goodbye: bye}}

steps:
  greet:
    say:
      voice: "Hello, this is the assistant of {{{{ company }}}}."
      text: "Hello, I am the assistant of {{{{ company }}}}."
      email: ""
    next: help
  help:
    ask: How can I help you?
    otherwise: answer
    no_match: [Please tell me in a few words what you need.]

  # What nothing else fits is asked of the help articles.
  answer: {{answer: "{{{{ question }}}}", next: helped, unknown: to_person}}
  helped:
    ask:
      voice: Did that help?
      text: Did that help?
      email: ""
    routes: {{"yes": bye, "no": to_person}}
    dtmf: {{"1": bye, "2": to_person}}  # accepted: key-untold
    otherwise: answer

  to_person: {{handoff: asked-for-person}}
  bye: {{end: resolved, text: "Thank you for contacting {{{{ company }}}}. Goodbye."}}

intents:
  opening_hours:
    label: opening hours
    examples:
      en:
        - when are you open
        - what are your opening hours
        - are you open on Saturday
        - until what time can I come
        - when do you close
        - are you open today
"""


def new_flow(name: str, queue: str) -> str:
    """The YAML of a flow of this name, whose people are in ``queue``.

    Raises ``ValueError`` when it is no name.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name; use letters a to z, digits and -, like 'bakery'")
    return _SOURCE.format(name=name, queue=queue, company=name.replace("-", " ").title())
