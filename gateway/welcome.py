"""What the terminal shows once everything runs: addresses and demo sign-ins."""

from __future__ import annotations

from collections.abc import Collection

from gateway import roles
from gateway.settings import Settings
from router.company import Company

RULE = "─" * 66


def welcome(settings: Settings, company: Company, playing: Collection[str], speech: str) -> str:
    """A few lines; demo passwords only where the demo company is seeded."""
    if roles.WEB not in playing:
        return f"parley: {', '.join(sorted(playing))} ready"
    base = settings.base_url
    lines = [RULE, f" {company.name} is open.", RULE]
    lines += [
        f"  company page   {base}/            chat, call us, help centre",
        f"  agents' desk   {base}/desk",
        f"  floor          {base}/floor       for supervisors",
    ]
    if roles.VOICE in playing:
        lines.append(f"  phone          sip:frontdesk@{settings.media_host}:{settings.sip_port}")
        lines.append(f"                 speech: {speech}")
    if roles.MAIL in playing:
        door = f"SMTP {settings.host}:{settings.smtp_in_port}"
        lines.append(f"  mail           {settings.mail_address}, {door}")
    lines.append(f"  SMS webhook    {base}/twilio/sms")
    if settings.demo:
        lines += ["", "  demo sign-ins (login / password)"]
        lines += [
            f"    {person.role:<11} {person.login} / {person.password}"
            for person in company.people
            if person.password
        ]
    if settings.public:
        lines += ["", "  The simulated public contacts you about once a minute (PUBLIC=0: off)."]
    lines += [RULE, "  Ctrl-C stops everything."]
    return "\n".join(lines)
