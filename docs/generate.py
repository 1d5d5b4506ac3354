"""Writes the pages that come from declarations: one a verb (from Typer), one a rule (from its file), one an AWS service
that is discovered (from its declaration), and their indexes.

`python docs/generate.py` writes; `--check` writes nothing and fails if a page is missing, stale or left over.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sakimori.discover import services as services_package
from sakimori.discover.declare import Call, Detail, Listing, Reach, Service, Tie
from sakimori.discover.services import own_services
from sakimori.model import attack
from sakimori.model.severity import Severity

DOCS = Path(__file__).resolve().parent
RULES = DOCS.parent / "src" / "sakimori" / "detect" / "rules"
GENERATED = ("verbs", "rules", "protect/catalogue", "services", "protect/api", "access")
"""Folders that hold generated pages and nothing else."""

_ORDER = [level.name.lower() for level in sorted(Severity, reverse=True)]


def pages() -> dict[str, str]:
    """Every generated page: path below docs/ -> text."""
    return {**verb_pages(), **rule_pages(), **catalogue_pages(), **service_pages(), **api_pages(), **access_pages()}


def differences() -> list[str]:
    """What `make docs` would change, one line each; empty when all pages are right."""
    wanted = pages()
    found = {path.relative_to(DOCS).as_posix() for folder in GENERATED for path in (DOCS / folder).rglob("*.md")}
    problems = [f"{path}: left over, nothing generates it" for path in sorted(found - wanted.keys())]
    for path, text in wanted.items():
        if path not in found:
            problems.append(f"{path}: missing")
        elif (DOCS / path).read_text(encoding="utf-8") != text:
            problems.append(f"{path}: stale")
    return problems


# ---- verbs


def verb_pages() -> dict[str, str]:
    """A page a verb, from what `--help` is made of."""
    verbs = dict(commands(application()))
    pages = {f"verbs/{name}.md": _verb_page(name, verb) for name, verb in verbs.items()}
    rows = (f"| [`sakimori {name}`]({name}.md) | {_cell(summary(verb))} |" for name, verb in verbs.items())
    pages["verbs/index.md"] = _page("Verbs", "| verb | what it does |", "| --- | --- |", *rows)
    return pages


def application() -> Any:
    """The whole command line as one Click command."""
    from typer.main import get_command

    from sakimori.cli import app

    return get_command(app)


def commands(group: Any) -> Iterator[tuple[str, Any]]:
    """The commands of a group by name, without the hidden ones; loads what is loaded lazily."""
    context = group.make_context("sakimori", [], resilient_parsing=True)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if not command.hidden:
            yield name, command


def is_group(command: Any) -> bool:
    return hasattr(command, "list_commands")


def summary(command: Any) -> str:
    """The first sentence of a command's help."""
    return " ".join((command.help or "").split("\n\n")[0].split())


def _verb_page(name: str, verb: Any) -> str:
    title = f"sakimori {name}"
    if not is_group(verb):
        return _page(title, *_command(title, verb))
    lines = [_help(verb)]
    for path, child in _leaves(title, verb):
        lines += [f"## {path}", "", *_command(path, child)]
    return _page(title, *lines)


def _leaves(path: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, child in commands(group):
        if is_group(child):
            yield from _leaves(f"{path} {name}", child)
        else:
            yield f"{path} {name}", child


def _command(title: str, command: Any) -> Iterator[str]:
    context = command.make_context(command.name, [], resilient_parsing=True)
    shown = [parameter for parameter in command.params if not parameter.hidden and parameter.name != "help"]
    arguments = [parameter for parameter in shown if parameter.param_type_name == "argument"]
    options = [parameter for parameter in shown if parameter.param_type_name == "option"]
    words = [word for argument in arguments for word in argument.get_usage_pieces(context)]
    yield _help(command)
    yield from ("```", " ".join([title, *(["[OPTIONS]"] if options else []), *words]), "```", "")
    for heading, parameters in (("argument", arguments), ("option", options)):
        if parameters:
            yield from (f"| {heading} | meaning |", "| --- | --- |")
            for name, meaning in (parameter.get_help_record(context) for parameter in parameters):
                yield f"| `{_cell(name)}` | {_cell(meaning)} |"
            yield ""


def _help(command: Any) -> str:
    paragraphs = (" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n"))
    return "\n\n".join(paragraph.replace("\b ", "") for paragraph in paragraphs) + "\n"


# ---- rules


def rule_pages() -> dict[str, str]:
    """A page a rule file, and an index of them all, the worst first."""
    documents = {path.stem: [*_documents(path)] for path in sorted(RULES.glob("*/*.yml"))}
    pages = {f"rules/{stem}.md": _rule_page(stem, found) for stem, found in documents.items()}
    rows = [(stem, document) for stem, found in documents.items() for document in found]
    rows.sort(key=lambda row: (_ORDER.index(str(row[1].get("level", "informational"))), row[1]["title"]))
    pages["rules/index.md"] = _page(
        "Rules",
        f"{len(rows)} rules in {len(documents)} files. Each holds the events that it must and must not match:",
        "`sakimori rules test` runs them, `sakimori rules show NAME` prints one.",
        "",
        "| rule | level | ATT&CK |",
        "| --- | --- | --- |",
        *(
            f"| [{_cell(rule['title'])}]({stem}.md) | {rule.get('level', '')} | {_numbers(rule)} |"
            for stem, rule in rows
        ),
    )
    return pages


def _documents(path: Path) -> Iterator[Mapping[str, Any]]:
    return (document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document)


def _rule_page(stem: str, documents: list[Mapping[str, Any]]) -> str:
    first, *others = documents
    lines = list(_rule(stem, first))
    for other in others:
        lines += [f"## {other['title']}", "", *_rule(str(other.get("name", "")), other)]
    return _page(str(first["title"]), *lines)


def _rule(name: str, rule: Mapping[str, Any]) -> Iterator[str]:
    own = rule.get("sakimori") or {}
    yield f"{_flowed(rule.get('description', ''))}\n"
    yield f"- **Name**: `{name}`"
    yield f"- **Level**: {_level(str(rule.get('level', '')), _flowed(own.get('severity', '')))}"
    for uid in _techniques(rule):
        yield f"- **ATT&CK**: {uid} {attack.technique_name(uid)} ({', '.join(_tactics(rule))})"
    looks_at = sorted(_values(rule.get("detection"), "eventSource"))
    if looks_at:
        yield f"- **Looks at**: {', '.join(f'`{source}`' for source in looks_at)}"
    if own.get("asset"):
        yield f"- **Asset**: {', '.join(f'`{path}`' for path in own['asset'])}"
    for reason in rule.get("falsepositives") or ():
        yield f"- **False positive**: {_flowed(reason)}"
    part = "correlation" if "correlation" in rule else "detection"
    text = yaml.safe_dump({part: rule.get(part)}, sort_keys=False, allow_unicode=True, width=110)
    yield from ("", "```yaml", text.rstrip(), "```", "")


def _level(level: str, reason: str) -> str:
    """`high: whoever stops the trail ...`; many reasons begin with the level already."""
    opening = reason[: len(level)].lower()
    return reason if opening == level else f"{level}. {reason}"


def _techniques(rule: Mapping[str, Any]) -> list[str]:
    return [tag.removeprefix("attack.").upper() for tag in _tags(rule) if _is_technique(tag)]


def _tactics(rule: Mapping[str, Any]) -> list[str]:
    return [attack.tactic_name(tag.removeprefix("attack.")) for tag in _tags(rule) if not _is_technique(tag)]


def _tags(rule: Mapping[str, Any]) -> list[str]:
    return [str(tag) for tag in rule.get("tags") or () if str(tag).startswith("attack.")]


def _is_technique(tag: str) -> bool:
    return tag.removeprefix("attack.")[:1] == "t" and tag.removeprefix("attack.t")[:1].isdigit()


def _numbers(rule: Mapping[str, Any]) -> str:
    return " ".join(_techniques(rule))


def _values(detection: Any, field: str) -> set[str]:
    """The literal values of a field, wherever it stands in a detection."""
    if isinstance(detection, list):
        return {value for item in detection for value in _values(item, field)}
    if not isinstance(detection, Mapping):
        return set()
    found: set[str] = set()
    for key, value in detection.items():
        if str(key).partition("|")[0] == field:
            found |= {str(item) for item in (value if isinstance(value, list) else [value]) if item is not None}
        else:
            found |= _values(value, field)
    return found


# ---- the protection rules' catalogue


def catalogue_pages() -> dict[str, str]:
    """A page a kind of rule that the manager gives out, from the catalogue's files."""
    from sakimori.protect.catalogue import reading

    catalogue = reading.load()
    pages = {
        "virtual-patches": _page("Virtual patches", *_virtual_patches(catalogue)),
        "integrity-rules": _page("Integrity monitoring rules", *_integrity_rules(catalogue)),
        "log-rules": _page("Log inspection rules", *_log_rules(catalogue)),
        "firewall-rules": _page("Firewall rules", *_firewall_rules(catalogue)),
        "web-reputation": _page("Web reputation", *_web_categories(catalogue)),
        "application-types": _page("Application types", *_application_types(catalogue)),
    }
    return {f"protect/catalogue/{name}.md": text for name, text in pages.items()}


def _virtual_patches(catalogue: Any) -> Iterator[str]:
    yield f"{len(catalogue.patches)} rules for {len(catalogue.by_cve)} vulnerabilities that are known to be exploited."
    yield "Each is in detect until it is promoted, and is fired at an attack and at look-alikes in tests.\n"
    for patch in catalogue.patches.values():
        yield f"## {patch.id} {patch.name}\n"
        yield f"{_flowed(patch.description)}\n"
        yield f"- **Name**: `{patch.slug}`"
        yield f"- **Severity**: {patch.severity} (CVSS {patch.cvss:.1f})"
        yield f"- **CVE**: {', '.join(patch.cves)}"
        yield f"- **Application type**: {catalogue.applications[patch.application].name}"
        if patch.requires:
            yield f"- **Comes with**: {', '.join(f'`{catalogue.patches[each].slug}`' for each in patch.requires)}"
        yield from (f"- **Recommended for**: {_interval(entry)}" for entry in patch.affects)
        yield from ("", "```", *("\n".join(text.split("\n")) for text in patch.signatures), "```", "")


def _interval(entry: Any) -> str:
    parts = [f"from {entry.since}"] if entry.since else []
    parts += [f"before {entry.fixed}"] if entry.fixed else []
    parts += [f"on {entry.distribution}"] if entry.distribution else []
    what = entry.package if entry.ecosystem == "generic" else f"{entry.ecosystem} package {entry.package}"
    return f"{what} {', '.join(parts)}".strip()


def _integrity_rules(catalogue: Any) -> Iterator[str]:
    yield f"{len(catalogue.integrity)} rules. What appears or goes in what they watch is always told;"
    yield "what changes is told if one of the attributes does.\n"
    for rule in catalogue.integrity.values():
        yield f"## {rule.id} {rule.name}\n"
        yield f"{_flowed(rule.description)}\n"
        yield f"- **Name**: `{rule.slug}`"
        yield f"- **Severity**: {rule.severity}"
        yield from (f"- **ATT&CK**: {uid} {attack.technique_name(uid)}" for uid in rule.techniques)
        yield f"- **Watches**: `{rule.base}`{', with subfolders' if rule.subfolders else ''} ({rule.os})"
        yield f"- **Only**: {', '.join(f'`{each}`' for each in rule.include)}"
        if rule.exclude:
            yield f"- **But not**: {', '.join(f'`{each}`' for each in rule.exclude)}"
        yield f"- **Attributes**: {', '.join(rule.attributes)}"
        yield f"- **Recommended for**: {_hosts(rule.when, catalogue)}\n"


def _log_rules(catalogue: Any) -> Iterator[str]:
    yield f"{len(catalogue.logs)} rules. Levels go from 0 to 15; from 8 on somebody should look.\n"
    for rule in catalogue.logs.values():
        yield f"## {rule.id} {rule.name}\n"
        yield f"{_flowed(rule.description)}\n"
        yield f"- **Name**: `{rule.slug}`"
        yield f"- **Level**: {rule.level}"
        yield from (f"- **ATT&CK**: {uid} {attack.technique_name(uid)}" for uid in rule.techniques)
        yield f"- **Logs**: {', '.join(f'`{log.location}`' for log in rule.logs)} ({rule.os})"
        if rule.frequency:
            yield f"- **Counts**: {rule.frequency} lines within {rule.timeframe} seconds"
        yield f"- **Recommended for**: {_hosts(rule.when, catalogue)}"
        yield from ("", "```", rule.pattern, "```", "")


def _hosts(when: Any, catalogue: Any) -> str:
    if when.always:
        return "every host of that operating system"
    parts = [f"the package `{each}`" for each in when.packages]
    parts += [f"`{each}` being there" for each in when.files]
    parts += [f"an open port of {catalogue.applications[each].name}" for each in when.applications]
    return ", ".join(parts)


def _firewall_rules(catalogue: Any) -> Iterator[str]:
    yield "None is assigned by itself. A rule that denies only logs until it is promoted on a policy.\n"
    yield from ("| rule | action | direction | what |", "| --- | --- | --- | --- |")
    for rule in catalogue.firewall.values():
        ports = f" Ports {', '.join(rule.ports)}." if rule.ports else ""
        what = f"{_flowed(rule.description)}{ports}"
        yield f"| {rule.id} {_cell(rule.name)} | {rule.action} | {rule.direction} | {_cell(what)} |"


def _web_categories(catalogue: Any) -> Iterator[str]:
    yield from ("| category | risk | what |", "| --- | --- | --- |")
    for each in catalogue.web.values():
        yield f"| {each.id} {_cell(each.name)} | {each.risk} | {_cell(each.description)} |"


def _application_types(catalogue: Any) -> Iterator[str]:
    yield from ("| type | ports | what |", "| --- | --- | --- |")
    for each in catalogue.applications.values():
        ports = ", ".join(map(str, each.ports))
        yield f"| {each.id} {_cell(each.name)} | {each.protocol} {ports} | {_cell(each.description)} |"


# ---- services


def service_pages() -> dict[str, str]:
    """A page a service that is discovered: its calls, the assets and relations that they give."""
    known = own_services()
    pages = {f"services/{name}.md": _service_page(name, service) for name, service in known.items()}
    rows = (f"| [`{name}`]({name}.md) | {_cell(_service_summary(name))} |" for name in known)
    pages["services/index.md"] = _page(
        "Services",
        "What `sakimori discover` looks at. The name is that of `--services` and of the folder in a snapshot.",
        "",
        "| service | what is looked at |",
        "| --- | --- |",
        *rows,
    )
    return pages


def _service_summary(name: str) -> str:
    return _flowed(importlib.import_module(f"{services_package.__name__}.{name}").__doc__)


def _service_page(name: str, service: Service) -> str:
    homes = f", in {', '.join(service.homes.values())}" if service.homes else ""
    lines = [_service_summary(name), "", f"Asked {_REACHES[service.reach]}{homes}.", ""]
    lines += ["| call | IAM action | asked |", "| --- | --- | --- |"]
    lines += dict.fromkeys(
        f"| {call.operation} | `{service.action(call)}` | {_frequency(call, depth)} |"
        for call, depth in _calls(service)
    )
    taken_out = dict.fromkeys(f"`{path}`" for call in service.calls() for path in call.secrets)
    if taken_out:
        lines += ["", f"Taken out of the answers at once, so that nothing keeps it: {', '.join(taken_out)}."]
    given: dict[str, list[str]] = {}
    for _, resource in service.resources():
        given[resource.type] = list(dict.fromkeys(map(_relation, resource.relations)))
    lines += ["", "| asset | relations |", "| --- | --- |"]
    lines += [f"| `{kind}` | {_cell('; '.join(ties))} |" for kind, ties in given.items()]
    moving = {resource.type: resource.moving for _, resource in service.resources() if resource.moving}
    if moving:
        lines += [
            "",
            "What moves though nobody changes anything is kept up to date, and is no part of the history:",
            "",
        ]
        lines += [f"- `{kind}`: {', '.join(f'`{path}`' for path in paths)}" for kind, paths in moving.items()]
    ordered = {resource.type: resource.ordered for _, resource in service.resources() if resource.ordered}
    if ordered:
        lines += ["", "Lists whose order is a setting, so that another order is a change:", ""]
        lines += [f"- `{kind}`: {', '.join(f'`{path}`' for path in paths)}" for kind, paths in ordered.items()]
    return _page(name, *lines)


_REACHES = {
    Reach.REGIONAL: "in every enabled region of every account",
    Reach.GLOBAL: "once in every account",
    Reach.ORGANIZATION: "once, in the account that we are in ourselves",
}


def _calls(service: Service) -> Iterator[tuple[Call, int]]:
    """Every call with its depth: 0 lists a place, 1 lists or tells of what is there, and so on."""

    def below(listing: Listing, depth: int) -> Iterator[tuple[Call, int]]:
        yield listing, depth
        for resource in listing.gives:
            yield from ((detail, depth + 1) for detail in resource.details)
            for inner in resource.lists:
                yield from below(inner, depth + 1)

    for listing in service.lists:
        yield from below(listing, 0)


def _frequency(call: Call, depth: int) -> str:
    if isinstance(call, Detail) and call.shared:
        return "once"
    if isinstance(call, Detail) and call.batch:
        return f"for every {call.batch} items"
    if isinstance(call, Detail) and call.first_page:
        return "for each item, its first page"
    return "for each item" if depth else "once"


def _relation(tie: Any) -> str:
    if isinstance(tie, Tie):
        return f"`{tie.kind}` (`{tie.path}`)"
    return _flowed(tie.__doc__).rstrip(".")


# ---- the protection manager's API


def api_pages() -> dict[str, str]:
    """A page a resource, from its declaration."""
    sys.path.insert(0, str(DOCS))
    import protect_api

    return {path: _page(*lines) for path, lines in protect_api.pages().items()}


# ---- access


def access_pages() -> dict[str, str]:
    """The checks of `assess access`, and the methods of privilege escalation that it knows."""
    from sakimori.assess.access.exposure import checks
    from sakimori.assess.access.methods import CATEGORIES, methods

    lines = [f"{len(checks())} checks; `sakimori assess access --check ID` runs one. Each finding has a witness.", ""]
    for plugin in checks():
        declared = plugin.check
        lines += [f"## {plugin.id}", "", f"{declared.title}.", "", f"- **Usual severity**: {declared.severity.label}"]
        lines += [f"- **Why it matters**: {declared.why}", f"- **What to do**: {declared.fix}"]
        lines += [f"- **ATT&CK**: {', '.join(declared.techniques)}"] if declared.techniques else []
        lines += [f"- **Looks at**: {_kinds(declared.needs)}"]
        lines.append("")
    known = [f"{len(methods())} methods, each tested where it works and where one permission, condition, boundary or"]
    known += ["service control policy stops it. They are declared in `escalations.yml`.", ""]
    for category in CATEGORIES:
        known += [f"## {category}", "", "| method | needs | what is done |", "| --- | --- | --- |"]
        for method in methods():
            if method.category == category:
                needs = ", ".join(f"`{action}`" for action in method.actions)
                known.append(f"| `{method.id}` | {needs} | {_cell(method.how)} |")
        known.append("")
    return {
        "access/checks.md": _page("Checks of access", *lines),
        "access/escalation-methods.md": _page("Methods of privilege escalation", *known),
    }


def _kinds(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# ---- Markdown


def _page(title: str, *lines: str) -> str:
    return "\n".join([f"# {title}", "", *lines]).rstrip() + "\n"


def _flowed(text: object) -> str:
    return " ".join(str(text).split())


def _cell(text: object) -> str:
    return _flowed(text or "").replace("|", "\\|")


def main() -> int:
    if "--check" in sys.argv[1:]:
        problems = differences()
        print("\n".join([*problems, "run `make docs`"] if problems else ["all pages are right"]))
        return bool(problems)
    wanted = pages()
    for folder in GENERATED:
        (DOCS / folder).mkdir(parents=True, exist_ok=True)
        for path in (DOCS / folder).rglob("*.md"):
            if path.relative_to(DOCS).as_posix() not in wanted:
                path.unlink()
    for name, text in wanted.items():
        (DOCS / name).write_text(text, encoding="utf-8")
    print(f"{len(wanted)} pages in {DOCS}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
