"""What is deployed: the choices of the user, and the names that follow from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sakimori.respond import plugins
from sakimori.respond.carried_routes import carried
from sakimori.respond.deploy.sources import HEARTBEAT, SCHEDULES, SOURCES
from sakimori.respond.errors import RespondError
from sakimori.respond.function import HEARTBEAT as HEARTBEAT_NAME
from sakimori.respond.function import MOST_RECEIVES

NAME = re.compile(r"[a-z][a-z0-9-]{1,23}")
RUNTIMES = ("3.11", "3.12", "3.13", "3.14")
"""The versions of Python that Lambda runs ("Lambda runtimes")."""

ARCHITECTURES = ("x86_64", "arm64")
RETENTIONS = (7, 14, 30, 60, 90, 120, 180, 365, 400, 545, 731, 1096, 1827)
"""Days that CloudWatch Logs can keep a log ("PutRetentionPolicy")."""

TIMEOUT = 300
"""Seconds of an invocation."""

VISIBILITY = 720
"""Seconds for which a message that is being handled is hidden: longer than an invocation, and than a run's lease."""

MEMORY = 256
KEPT_DAYS = 14
"""How long the queues keep a message: as long as SQS can, so that nothing is lost while somebody is away."""

OLDEST = 1_800
"""Seconds: a message that waits longer than this raises the alarm."""

TAG, VERSION_TAG = "sakimori:deployment", "sakimori:version"


@dataclass(frozen=True, slots=True)
class Design:
    """The choices. `settings` are the sections of sakimori.toml that go with the function; nothing of them is secret.

    `protect_secret` is the ARN of a secret that holds the API key of the workload protection manager at
    `protect_url`; `notify_secret` that of one that holds what the `routes` name by `_env`; `key` the ARN of a KMS key
    of the user's, "" for AWS's own; `bundle` is where the bundle is in its bucket.
    """

    name: str = "sakimori"
    workflows: tuple[str, ...] = ()
    sources: tuple[str, ...] = tuple(SOURCES)
    schedules: Mapping[str, str] = field(default_factory=dict)
    python: str = "3.11"
    architecture: str = "x86_64"
    retention_days: int = 90
    protect_url: str = ""
    protect_secret: str = ""
    key_style: str = "api-secret-key"
    role: str = ""
    key: str = ""
    email: str = ""
    notify_secret: str = ""
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    language: str = "en"
    bundle: str = "bundle.zip"

    def named(self, part: str) -> str:
        """The name of a part that is deployed."""
        return f"{self.name}-{part}"

    @property
    def environment(self) -> dict[str, str]:
        """The function's environment variables that do not name other parts."""
        optional = {
            "SAKIMORI_PROTECT_URL": self.protect_url,
            "SAKIMORI_PROTECT_SECRET": self.protect_secret,
            "SAKIMORI_PROTECT_KEY_STYLE": self.key_style if self.protect_url else "",
            "SAKIMORI_RESPOND_ROLE": self.role,
            "SAKIMORI_NOTIFY_SECRET": self.notify_secret,
        }
        return {
            "SAKIMORI_DEPLOYMENT": self.name,
            "SAKIMORI_WORKFLOWS": ",".join(self.workflows),
            "SAKIMORI_LANGUAGE": self.language,
            **{name: value for name, value in optional.items() if value},
        }

    @property
    def timetable(self) -> dict[str, str]:
        """Name of a scheduled rule -> when it is due. The name says what for."""
        due = {f"sakimori-{name}-{self.name}": when for name, when in self.schedules.items()}
        return {f"{HEARTBEAT_NAME}-{self.name}": HEARTBEAT, **due}


def design(**choices: Any) -> Design:
    """The design for these choices, checked. Raises RespondError, NotifyError."""
    workflows = tuple(choices.pop("workflows", ()) or plugins.workflow_names())
    given = dict(choices.pop("schedules", {}))
    schedules = {name: when for name, when in SCHEDULES.items() if name in workflows} | given
    routes = carried(choices.pop("routes", {}))
    found = Design(workflows=tuple(sorted(set(workflows))), schedules=schedules, routes=routes, **choices)
    for name in found.workflows:
        plugins.uses(name)
    _check(found)
    return found


def _check(found: Design) -> None:
    own_arn = r"arn:aws[a-z-]*:{service}:[a-z0-9-]+:\d{{12}}:.+"
    secret, key = own_arn.format(service="secretsmanager"), own_arn.format(service="kms")
    rules: list[tuple[bool, str]] = [
        (bool(NAME.fullmatch(found.name)), f"the name {found.name!r} is not 2 to 24 of a-z, 0-9 and -, a letter first"),
        (not found.name.endswith("-"), f"the name {found.name!r} ends with -"),
        (found.python in RUNTIMES, f"Lambda has no Python {found.python}: it has {', '.join(RUNTIMES)}"),
        (found.architecture in ARCHITECTURES, f"the architecture is {' or '.join(ARCHITECTURES)}"),
        (found.retention_days in RETENTIONS, f"logs can be kept {', '.join(map(str, RETENTIONS))} days"),
        (found.language in ("en", "ja"), "the language is en or ja"),
        (not found.key or bool(re.fullmatch(key, found.key)), f"not the ARN of a KMS key: {found.key!r}"),
        (
            bool(found.protect_url) == bool(found.protect_secret),
            "a workload protection manager needs both its address and the ARN of the secret that holds its API key",
        ),
        *(
            (not arn or bool(re.fullmatch(secret, arn)), f"not the ARN of a secret of Secrets Manager: {arn!r}")
            for arn in (found.protect_secret, found.notify_secret)
        ),
        (not found.role or bool(re.fullmatch(r"[\w+=,.@-]{1,64}", found.role)), f"not a role's name: {found.role!r}"),
        (not found.email or bool(re.fullmatch(r"[^@\s]+@[^@\s]+", found.email)), f"no address: {found.email!r}"),
    ]
    unknown = [name for name in found.sources if name not in SOURCES]
    rules.append((not unknown, f"no source {', '.join(unknown)}: there are {', '.join(SOURCES)}"))
    wrong = [name for name in found.schedules if name not in found.workflows]
    rules.append((not wrong, f"a schedule for {', '.join(wrong)}, which is not among the workflows"))
    odd = [when for when in found.schedules.values() if not re.fullmatch(r"(rate|cron)\([\w\s*?,/#-]+\)", when)]
    rules.append((not odd, f"no schedule: {odd}: it is rate(1 day), or cron(0 3 * * ? *)"))
    for fine, why in rules:
        if not fine:
            raise RespondError(why)


__all__ = ["MOST_RECEIVES", "Design", "design"]
