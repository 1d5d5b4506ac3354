"""Detect first: a computer's mode only changes by a promotion or by a write that names what it follows.

Random calls, promotions, moves and updates; after each, what is in force on every computer is read as its agent reads
it, and every difference must be in the book of modes, by whoever did it, where it was done.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
import pytest
from in_process import SMALL, Running, running
from sqlalchemy import Connection, insert

from sakimori.protect import agents_api, builtin, enforcement, modes, outcomes, proof, seed, storage, tables
from sakimori.protect.agents_api import Agent
from sakimori.protect.inheritance import STATES
from sakimori.protect.policies import Policies
from sakimori.protect.promotion import Asked, demote, promote
from sakimori.store.database import reading, writing

CATALOGUE: Mapping[str, Mapping[int, Mapping[str, Any]]] = {
    **SMALL,
    "intrusionpreventionrules": {id: {"name": f"Patch {id}", "action": "log-only"} for id in (1, 2, 3)},
    "firewallrules": {1: {"name": "Deny", "action": "log-only"}, 2: {"name": "Pass", "action": "allow"}},
}
RULES = {"intrusionprevention": "intrusionpreventionrules", "firewall": "firewallrules"}
COMPUTERS = (1, 2, 3, 4)
TARGETS = ("firewall", "intrusionPrevention", "antiMalware", "applicationControl", "webReputation")
SETTINGS = {
    enforcement.ENGINE_SETTING: ("Inline", "inline", "Tap", "Detect", "Sideways", ""),
    enforcement.LEVEL_SETTING: ("High", "Low", "Detect", ""),
    enforcement.EXECUTION_SETTING: (
        "Block unrecognized software until it is explicitly allowed",
        "Allow unrecognized software until it is explicitly blocked",
    ),
}

State = dict[int, dict[str, str]]
"""Computer -> module, or resource and ID of a rule -> mode."""


class World:
    """A manager with a tree of policies and computers on them; `random` decides what happens to it."""

    def __init__(self, running: Running, random: random.Random) -> None:
        self.running, self.random, self.api = running, random, running.api
        self.catalogue = copy.deepcopy(CATALOGUE)
        on = {module: {"state": states[0]} for module, states in STATES.items() if random.random() < 0.8}
        self.policies = [1]
        for name in "ABCD":
            body = {"name": name, "parentID": random.choice(self.policies), **(on if name == "A" else {})}
            self.policies.append(self.api.post("/policies", body)["ID"])
        for number in COMPUTERS:
            body = {"hostName": f"host-{number}", "policyID": random.choice(self.policies)}
            assert self.api.post("/computers", body)["ID"] == number
        self.watch()

    def watch(self) -> None:
        """Agents that run whatever is asked of them."""
        said = orjson.dumps({"modules": {module: {"state": "on"} for module in STATES}}).decode()
        row = {"tenant": 0, "secret": "", "status": said, "address": "", "isolated": 0, "last_seen": 1 << 50}
        with writing(self.running.manager.engine) as connection:
            for each in COMPUTERS:
                own = {"computer": each, "guid": str(each), "policy_requested": 0, "policy_sent": 0}
                connection.execute(insert(tables.agents), row | own)

    def state(self) -> State:
        """The modes in force, read afresh."""
        found: State = {}
        with reading(self.running.manager.engine) as connection:
            for computer in COMPUTERS:
                agent, catalogue = Agent(0, computer), outcomes.Catalogue()
                told = agents_api.in_force(connection, agent, Policies(), catalogue)
                rules = {f"{kind}/{r['ID']}": rule_mode(r) for kind in RULES.values() for r in told["rules"][kind]}
                found[computer] = dict(told["modes"]) | rules
        return found

    def policy_state(self) -> State:
        """The modes of modules in force on every policy."""
        with reading(self.running.manager.engine) as connection:
            view = Policies().view(connection, 0)
            return {policy: dict(enforcement.modes(view.effective(policy))) for policy in self.policies}

    def follows(self, computer: int) -> set[str]:
        """What a computer's modes come from: itself, its policies, and what all share."""
        with reading(self.running.manager.engine) as connection:
            body = storage.get_or_none(connection, 0, "computers", computer) or {}
            known = modes.bodies(connection, 0, modes.POLICIES)
            chain = modes.chain(known, body.get("policyID") or 0)
        return {f"computers/{computer}", *(f"policies/{each}" for each in chain)}

    def book(self, after: int) -> list[modes.ModeChange]:
        with reading(self.running.manager.engine) as connection:
            return modes.changes(connection, 0, after=after, limit=100_000)

    # ---- what happens

    def holder(self) -> str:
        kind = self.random.choice(("policies", "computers"))
        return f"{kind}/{self.random.choice(self.policies if kind == 'policies' else COMPUTERS)}"

    def write_state(self) -> None:
        module = self.random.choice(tuple(STATES))
        self.write(self.holder(), {module: {"state": self.random.choice(("inherited", *STATES[module]))}})

    def write_module(self) -> None:
        own: dict[str, Any] = {"applicationControl": {"blockUnrecognized": self.random.random() < 0.5}}
        if self.random.random() < 0.5:
            own = {"antiMalware": {"realTimeScanConfigurationID": self.random.choice((0, 1, 4))}}
        self.write(self.holder(), own)

    def write_setting(self) -> None:
        name = self.random.choice(tuple(SETTINGS))
        path = f"/{self.random.choice((self.holder(), 'policies/default'))}/settings/{name}"
        if self.random.random() < 0.3:
            self.api.delete(path)
        else:
            self.api.post(path, {"value": self.random.choice(SETTINGS[name])})

    def write_rule(self) -> None:
        module = self.random.choice(tuple(RULES))
        stops = "drop" if module == "intrusionprevention" else "deny"
        path = self.random.choice((f"/{self.holder()}/{module}/rules", f"/{RULES[module]}"))
        path = f"{path}/{self.random.choice((1, 2))}"
        if self.random.random() < 0.3 and module in path.split("/"):
            self.api.delete(path)
        else:
            self.api.post(path, {"action": self.random.choice((stops, "log-only"))})

    def assign(self) -> None:
        module = self.random.choice(tuple(RULES))
        ids = self.random.sample((1, 2), self.random.randint(0, 2))
        self.api.put(f"/{self.holder()}/{module}/assignments", {"ruleIDs": ids})

    def move(self) -> None:
        if self.random.random() < 0.5:
            self.write(f"computers/{self.random.choice(COMPUTERS)}", {"policyID": self.random.choice(self.policies)})
        else:
            answer = self.api.send(
                "POST",
                f"/policies/{self.random.choice(self.policies[1:])}",
                {"parentID": self.random.choice(self.policies)},
            )
            assert answer.status_code == 200 or "cannot be the parent" in answer.text

    def write(self, place: str, body: Mapping[str, Any]) -> None:
        self.api.post(f"/{place}", body)

    def write_scan(self) -> None:
        self.api.post("/antimalwareconfigurations/4", {"customRemediationActionsEnabled": self.random.random() < 0.5})

    def promote(self) -> None:
        target = self.random.choice((*TARGETS, "intrusionpreventionrules/1", "firewallrules/1"))
        policy = self.random.choice(self.policies)
        decide = self.random.choice((promote, demote))
        before = self.state()
        with writing(self.running.manager.engine) as connection:
            if not self.has_configurations(connection):
                return
            found = decide(connection, 0, target, str(policy), Asked(0, 1_000, "ann"))
        self.only_named(before, target, policy, changed=bool(found.change))

    def has_configurations(self, connection: Connection) -> bool:
        """Whether there is a scan configuration that only detects, and one that acts, as promotion needs."""
        scan = proof.module_target(connection, 0, "antiMalware")
        return scan.detects is not None and scan.prevents is not None

    def only_named(self, before: State, target: str, policy: int, *, changed: bool) -> None:
        """A promotion changes what it names and, behind a shared engine that tapped, intrusion prevention."""
        allowed = {target, *(("intrusionPrevention",) if target == "firewall" else ())}
        for computer, now in self.state().items():
            differing = {name for name, mode in now.items() if before[computer].get(name) != mode}
            assert differing <= (allowed if changed else set()), (target, differing)
            assert not differing or f"policies/{policy}" in self.follows(computer)

    def update(self) -> None:
        """A new release: rules change, other rules come, and the manager starts again. No mode changes."""
        before = self.state()
        for kind in RULES.values():
            for rule in self.catalogue[kind].values():
                assert isinstance(rule, dict)
                rule["description"] = f"release {self.random.random()}"
                rule["action"] = self.random.choice(("drop" if "intrusion" in kind else "deny", "log-only"))
                rule["detectOnly"] = self.random.random() < 0.2
        with writing(self.running.manager.engine) as connection:
            seed.seed(connection, 0, self.catalogue)
            builtin.load(connection, 0, self.catalogue)
        assert self.state() == before

    def happen(self) -> Callable[[], None]:
        return self.random.choice(
            (
                self.write_state,
                self.write_module,
                self.write_setting,
                self.write_rule,
                self.assign,
                self.move,
                self.write_scan,
                self.promote,
                self.promote,
                self.update,
            )
        )


def rule_mode(rule: Mapping[str, Any]) -> str:
    return "prevent" if rule.get("action") in ("drop", "deny") and not rule.get("detectOnly") else "detect"


def differing(before: State, after: State) -> Iterator[tuple[int, str]]:
    for id in before:
        yield from ((id, what) for what in before[id] if before[id][what] != after[id][what])


def is_moved(written: list[modes.ModeChange], world: World, policy: int) -> bool:
    """Whether the policy, or one above it, got another parent: then all that follows from it is another's."""
    moved = {each.scope for each in written if each.subject == "parentID"}
    with reading(world.running.manager.engine) as connection:
        known = modes.bodies(connection, 0, modes.POLICIES)
        return any(f"policies/{each}" in moved for each in modes.chain(known, policy))


def explains(change: modes.ModeChange, what: str, follows: set[str], *, shared: bool = True) -> bool:
    """Whether a row of the book is about the module or rule, and in a place that the computer follows."""
    word = {"intrusionpreventionrules": "rule", "firewallrules": "firewallrule"}.get(what.split("/")[0], what)
    is_shared = change.scope == "policies/default" or change.scope.startswith("antimalwareconfigurations/")
    own = f"{word}/{what.split('/')[1]}/" if "/" in what else f"{word}/"
    about = change.subject.startswith(own) or change.subject in ("policyID", "parentID")
    if what == "antiMalware":
        about = about or change.subject.startswith("scan/")
    if what == "intrusionPrevention":
        about = about or change.subject == modes.ENGINE
    if "/" in what:
        module = "intrusionPrevention" if word == "rule" else "firewall"
        about = about or change.subject == f"{module}/ruleIDs"
    return about and (change.scope in follows or (shared and (change.scope == what or is_shared)))


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[random.Random], World]]:
    folder = tmp_path_factory.mktemp("worlds")
    with running(folder / "seed.sqlite", built_in=CATALOGUE) as first:
        key = first.api.key
    image = (folder / "seed.sqlite").read_bytes()
    opened = []

    def world(random: random.Random) -> World:
        place = folder / f"{len(opened)}.sqlite"
        place.write_bytes(image)
        context = running(place, built_in=CATALOGUE, key=key)
        opened.append(context)
        return World(context.__enter__(), random)

    yield world
    for each in reversed(opened):
        each.__exit__(None, None, None)


@pytest.mark.parametrize("number", range(10))
def test_every_change_of_a_mode_is_by_who_names_it_and_is_in_the_book(
    worlds: Callable[[random.Random], World], number: int
) -> None:
    world = worlds(random.Random(number))
    for mode in world.state().values():
        assert "prevent" not in {mode[module] for module in TARGETS if module != "intrusionPrevention"}
    for _ in range(25):
        before, policies = world.state(), world.policy_state()
        follows = {computer: world.follows(computer) for computer in COMPUTERS}
        last = max((each.id for each in world.book(0)), default=0)
        step = world.happen()
        step()
        after, written = world.state(), world.book(last)
        for computer in COMPUTERS:
            places = follows[computer] | world.follows(computer)
            for what in before[computer].keys() | after[computer].keys():
                if before[computer].get(what) == after[computer].get(what):
                    continue
                by = [each for each in written if explains(each, what, places)]
                assert by, (step.__name__, computer, what, before[computer].get(what), after[computer].get(what))
                assert all(each.who != "the manager" for each in by)
        for policy, what in differing(policies, world.policy_state()):
            own = [each for each in written if explains(each, what, {f"policies/{policy}"}, shared=False)]
            assert own or is_moved(written, world, policy), (step.__name__, policy, what)
        agree(world)


def agree(world: World) -> None:
    """What promotion takes for the mode on a policy is what is in force there."""
    with reading(world.running.manager.engine) as connection:
        view = Policies().view(connection, 0)
        for policy in world.policies:
            effective = view.effective(policy)
            for module in TARGETS:
                said = proof.mode_of(connection, 0, proof.target_of(connection, 0, module), policy)[0]
                is_tapped = module == "intrusionPrevention" and enforcement.engine_taps(effective.settings)
                is_set = enforcement.blocks(effective.settings[enforcement.EXECUTION_SETTING])
                if effective.modules[module]["state"] == "off" or is_tapped:
                    continue
                if module == "applicationControl" and is_set:
                    continue
                assert said == enforcement.mode(module, effective), (policy, module)
