"""A deployment comes and goes as a stack of CloudFormation, which rolls back what fails and goes on when we do not.

    stack.plan(template, bundle)      # looks, and changes nothing
    stack.apply(template, bundle)     # bucket, bundle, change set; called again after a crash, it goes on
    stack.remove()                    # nothing stays

A stack is ours if it has our tag; one of the same name that is not ours is left alone.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sakimori import __version__
from sakimori.aws.errors import AwsError, asking
from sakimori.respond.deploy.bucket import Bucket
from sakimori.respond.deploy.bundle import Bundle
from sakimori.respond.deploy.design import TAG, VERSION_TAG
from sakimori.respond.deploy.difference import Change, changes
from sakimori.respond.errors import RespondError

LOOK_EVERY = 3.0
LONGEST_TEMPLATE = 51_200
"""Bytes of a template that is sent with the call ("AWS CloudFormation quotas")."""

CHANGE_SETS = "sakimori-"
NEVER_WAS = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
"""The states of a stack that was never made, or is half gone: it is deleted before it is made anew."""

SHOWN = {
    "queue": "Events",
    "dead_letters": "DeadLetters",
    "function": "Respond",
    "table": "Responses",
    "secret": "Secret",
    "topic": "People",
}
"""A part that people and `sakimori respond` need to know -> its logical id."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What an apply would do. `state` is the stack's, "" if there is none; `first` what is done before all else."""

    state: str
    first: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def is_nothing(self) -> bool:
        return not self.changes and not self.first

    def to_json(self) -> dict[str, Any]:
        return {"state": self.state, "first": list(self.first), "changes": [each.to_json() for each in self.changes]}


class Stack:
    """The stack of a deployment. `clients` gives boto3 clients by service; `say` is told how far it is."""

    def __init__(
        self,
        name: str,
        clients: Callable[[str], Any],
        *,
        say: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name, self._say, self._sleep = name, say, sleep
        self._cloudformation = clients("cloudformation")
        with asking("sts:GetCallerIdentity", "ourselves"):
            caller = clients("sts").get_caller_identity()
        region = self._cloudformation.meta.region_name
        self.bucket = Bucket(clients("s3"), name, caller["Account"], region, caller["Arn"].split(":")[1])

    # Looking

    def plan(self, template: Mapping[str, Any], bundle: Bundle) -> Planned:
        """What an apply would change. Raises RespondError where something of our name is not ours."""
        found = self._found()
        state = str(found["StackStatus"]) if found else ""
        first = [] if self.bucket.exists() else [f"make the bucket {self.bucket.name}"]
        if state in NEVER_WAS:
            first.append(f"delete the stack {self.name}, which was never made in full ({state})")
            found = None
        before = self._template() if found else {}
        was = _parameters(found).get("BundleKey", "")
        return Planned(state, tuple(first), tuple(changes(before, template, (was, bundle.key))))

    def parts(self) -> dict[str, str]:
        """Where its parts are: queue, table, function and so on. Raises RespondError if it is not there in full."""
        found = self._found()
        if found is None or found["StackStatus"] in NEVER_WAS:
            raise RespondError(f"nothing is deployed by the name {self.name}: `sakimori deploy apply` does it")
        answer = self._call("describe_stack_resources", StackName=self.name)["StackResources"]
        ids = {each["LogicalResourceId"]: str(each.get("PhysicalResourceId", "")) for each in answer}
        return {name: ids[logical] for name, logical in SHOWN.items() if logical in ids}

    def _found(self) -> dict[str, Any] | None:
        """The stack as it is described, if it is ours; None if there is none."""
        try:
            answer = self._call("describe_stacks", StackName=self.name)
        except AwsError as error:
            if "does not exist" in error.message:
                return None
            raise
        found: dict[str, Any] = next(each for each in answer["Stacks"] if each["StackStatus"] != "DELETE_COMPLETE")
        if {each["Key"]: each["Value"] for each in found.get("Tags", ())}.get(TAG) != self.name:
            raise RespondError(
                f"there is a stack {self.name} that is not ours (it has no tag {TAG} = {self.name}): "
                "choose another --name"
            )
        return found

    def _template(self) -> dict[str, Any]:
        body = self._call("get_template", StackName=self.name)["TemplateBody"]
        found: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
        return found

    # Changing

    def apply(self, template: Mapping[str, Any], bundle: Bundle) -> list[Change]:
        """Makes it so; gives what was changed. Raises RespondError with CloudFormation's reasons where it failed."""
        body = _body(template)
        self._settled()
        planned = self.plan(template, bundle)
        self.bucket.made()
        self.bucket.holds(bundle)
        if planned.state in NEVER_WAS:
            self._say(f"deleting the stack {self.name}, which was never made in full")
            self._deleted()
        is_new = planned.state in ("", *NEVER_WAS)
        if planned.changes or is_new:
            self._changed(body, bundle, "CREATE" if is_new else "UPDATE")
        self.bucket.without(but=bundle.key)
        return list(planned.changes)

    def _changed(self, body: str, bundle: Bundle, kind: str) -> None:
        """A change set, made and executed."""
        for stale in () if kind == "CREATE" else self._change_sets():
            self._call("delete_change_set", StackName=self.name, ChangeSetName=stale)
        own = f"{CHANGE_SETS}{uuid.uuid4().hex[:16]}"
        parameters = {"BundleBucket": self.bucket.name, "BundleKey": bundle.key}
        self._call(
            "create_change_set",
            StackName=self.name,
            ChangeSetName=own,
            ChangeSetType=kind,
            TemplateBody=body,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            Tags=[{"Key": TAG, "Value": self.name}, {"Key": VERSION_TAG, "Value": __version__}],
        )
        if not self._ready(own):
            self._call("delete_change_set", StackName=self.name, ChangeSetName=own)
            return
        started = self._newest_event()
        self._call("execute_change_set", StackName=self.name, ChangeSetName=own)
        state = self._settled()
        if state not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise RespondError(
                f"the stack {self.name} was not {'made' if kind == 'CREATE' else 'changed'} ({state}): "
                f"{'; '.join(self._failures(started)) or 'CloudFormation gives no reason'}. See to it and apply again; "
                f"`sakimori deploy remove` takes away what is there"
            )

    def _ready(self, change_set: str) -> bool:
        """Whether the change set can be executed; False if it changes nothing. Raises RespondError."""
        while True:
            answer = self._call("describe_change_set", StackName=self.name, ChangeSetName=change_set)
            why = str(answer.get("StatusReason", ""))
            if answer["Status"] == "CREATE_COMPLETE":
                return True
            if answer["Status"] == "FAILED":
                if "didn't contain changes" in why or "No updates are to be performed" in why:
                    return False
                raise RespondError(f"CloudFormation refuses the change of {self.name}: {why or 'no reason given'}")
            self._sleep(LOOK_EVERY)

    def _change_sets(self) -> Iterator[str]:
        """Change sets of ours that an interrupted apply left."""
        for each in self._call("list_change_sets", StackName=self.name).get("Summaries", ()):
            ours = each["ChangeSetName"].startswith(CHANGE_SETS) and each.get("StackName") == self.name
            if ours and each.get("ExecutionStatus") not in ("EXECUTE_COMPLETE", "EXECUTE_IN_PROGRESS"):
                yield str(each["ChangeSetName"])

    # Removing

    def remove(self) -> list[str]:
        """Takes everything away, whatever state it is in; gives what went. Again, there is nothing left to take."""
        went: list[str] = []
        self._settled()
        if self._found() is not None:
            self._deleted()
            went.append(f"the stack {self.name}")
        if self.bucket.gone():
            went.append(f"the bucket {self.bucket.name}")
        return went

    def leftovers(self) -> list[str]:
        """What `remove` would take away."""
        found = [f"the stack {self.name} with its queues, rules, table, log and function"] if self._found() else []
        return found + ([f"the bucket {self.bucket.name}"] if self.bucket.exists() else [])

    def _deleted(self) -> None:
        started = self._newest_event()
        self._call("delete_stack", StackName=self.name)
        state = self._settled()
        if state:
            raise RespondError(
                f"the stack {self.name} was not deleted ({state}): {'; '.join(self._failures(started))}. "
                "See to it and remove again"
            )

    # Waiting

    def _settled(self) -> str:
        """Waits until nothing is under way; gives the stack's state, "" if there is none."""
        told = ""
        while True:
            found = self._found()
            state = str(found["StackStatus"]) if found else ""
            if not state.endswith("_IN_PROGRESS") or state == "REVIEW_IN_PROGRESS":
                return state
            if state != told:
                self._say(f"the stack {self.name}: {state}")
                told = state
            self._sleep(LOOK_EVERY)

    def _events(self) -> list[dict[str, Any]]:
        """The newest first."""
        try:
            events: list[dict[str, Any]] = self._call("describe_stack_events", StackName=self.name)["StackEvents"]
        except AwsError:
            return []  # there is no stack yet, or no more
        return events

    def _newest_event(self) -> str:
        return next((str(each["EventId"]) for each in self._events()), "")

    def _failures(self, since: str) -> list[str]:
        """What failed since an event, and why, the first first; what was only cancelled with it is left out."""
        reasons: list[str] = []
        for each in self._events():
            if each["EventId"] == since:
                break
            why = str(each.get("ResourceStatusReason", ""))
            if str(each.get("ResourceStatus", "")).endswith("_FAILED") and "cancelled" not in why:
                reasons.append(f"{each['LogicalResourceId']}: {why or each['ResourceStatus']}")
        return reasons[::-1]

    def _call(self, operation: str, **parameters: Any) -> Any:
        name = "".join(word.capitalize() for word in operation.split("_"))
        with asking(f"cloudformation:{name}", self.name):
            return getattr(self._cloudformation, operation)(**parameters)


def _body(template: Mapping[str, Any]) -> str:
    """The template as it is sent. Raises RespondError for one that is too long."""
    body = json.dumps(template, separators=(",", ":"))
    if len(body.encode()) > LONGEST_TEMPLATE:
        raise RespondError(
            f"the template has {len(body.encode()):,} bytes, more than the {LONGEST_TEMPLATE:,} that CloudFormation "
            "takes: deploy fewer workflows together, each set with a --name of its own"
        )
    return body


def _parameters(found: Mapping[str, Any] | None) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in (found or {}).get("Parameters", ())}
