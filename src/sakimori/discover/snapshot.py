"""A snapshot: a folder of describe answers, untouched, that discovers what the accounts themselves would have.

    DIR/snapshot.json                                       what it is, and what could not be asked while planning
    DIR/ACCOUNT/REGION/SERVICE/OPERATION.json               an answer, all pages joined, as the AWS CLI prints it
    DIR/ACCOUNT/REGION/SERVICE/OPERATION.PARAMETERS.json    an answer for one item (or a batch that begins with it)

REGION is `global` where there is none. A call that failed has `{"Error": {"Code", "Message"}}` in its file. A snapshot
may as well be made by hand: whatever is not there is NOT_EVALUATED.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from sakimori.aws.errors import AwsError
from sakimori.discover.batfish import BatfishError, is_batfish, read_batfish
from sakimori.discover.declare import Place, Service
from sakimori.discover.engine import Unit, inventory
from sakimori.discover.services import services
from sakimori.discover.source import Answer, NotInSnapshot, Question, Source, whole, without
from sakimori.model.asset import Inventory, NotEvaluated

LAYOUT = "sakimori-snapshot-1"
MANIFEST = "snapshot.json"


class SnapshotError(Exception):
    """A snapshot cannot be read or written: says which file, why, and what to do."""


def is_ours(folder: Path) -> bool:
    """Whether the folder has our layout."""
    return (folder / MANIFEST).is_file() or any(folder.glob("[0-9]" * 12))


def read(folder: Path) -> Inventory:
    """All that the snapshot in `folder` holds: ours, or one of Batfish's layouts. Raises SnapshotError."""
    if not is_ours(folder) and is_batfish(folder):
        try:
            return read_batfish(folder)
        except BatfishError as error:
            raise SnapshotError(str(error)) from error
    source = SnapshotSource(folder)
    found = inventory(source, source.units(services()))
    found.not_evaluated += source.not_evaluated
    return found


@dataclass(slots=True)
class SnapshotSource:
    """Answers from a folder."""

    folder: Path
    partition: str = "aws"
    home: str = ""
    not_evaluated: list[NotEvaluated] = field(default_factory=list)

    def __post_init__(self) -> None:
        manifest = self.folder / MANIFEST
        if manifest.is_file():
            told = _load(manifest)
            self.partition, self.home = told.get("partition", "aws"), told.get("home", "")
            self.not_evaluated = [NotEvaluated(**each) for each in told.get("not_evaluated", ())]
        elif not is_ours(self.folder):
            raise SnapshotError(
                f"{self.folder}: is no snapshot: it has neither {MANIFEST} nor folders named by account numbers; "
                "`sakimori discover --snapshot-out DIR` writes one"
            )

    def units(self, known: Mapping[str, Service]) -> Iterator[Unit]:
        """The services in the places that the snapshot has folders for."""
        for folder in sorted(self.folder.glob("[0-9]" * 12 + "/*/*")):
            account, region, name = folder.parts[-3:]
            if name in known and folder.is_dir():
                yield Unit(Place(account, region, self.partition), name, known[name])

    def pages(self, question: Question) -> Iterator[Answer]:
        """See Source."""
        place = question.place
        folder = self.folder / place.account / place.region / question.service
        path = folder / f"{question.name}.json"
        if question.batch:
            yield self._batch(folder, question)
            return
        if not path.is_file():
            raise NotInSnapshot(question.action, question.name, path.relative_to(self.folder).as_posix())
        yield _answer(path, question)

    def stop(self) -> None:
        """See Source: reading a file is over soon."""

    def _batch(self, folder: Path, question: Question) -> Answer:
        """All the batches that were asked for: how items fell into batches need not be the same again."""
        paths = sorted({*folder.glob(f"{question.operation}.json"), *folder.glob(f"{question.operation}.*.json")})
        if not paths:
            where = (folder / question.operation).relative_to(self.folder).as_posix()
            raise NotInSnapshot(question.action, question.name, f"{where}.json")
        return whole([_answer(path, question) for path in paths])


def _answer(path: Path, question: Question) -> Answer:
    found = _load(path)
    error = found.get("Error")
    if isinstance(error, dict) and set(found) == {"Error"}:
        code, message = str(error.get("Code", "Unknown")), str(error.get("Message", ""))
        raise AwsError(str(error.get("Action") or question.action), question.name, code, message)
    return without({key: value for key, value in found.items() if key != "ResponseMetadata"}, question.secrets)


def _load(path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SnapshotError(f"{path}: cannot be read: {error.strerror}: check its permissions") from error
    except ValueError as error:
        raise SnapshotError(f"{path}: is not JSON: {error}: take the snapshot again") from error
    if not isinstance(found, dict):
        raise SnapshotError(f"{path}: is not a JSON object: take the snapshot again")
    return found


@dataclass(slots=True)
class Recording:
    """A source that writes down what another one answers. In a `with`: the folder appears when all of it is there."""

    source: Source
    folder: Path
    partition: str
    home: str
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    _made: set[Path] = field(default_factory=set)

    @property
    def aside(self) -> Path:
        return self.folder.with_name(f".{self.folder.name}.part")

    def __enter__(self) -> Self:
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise SnapshotError(f"{self.folder}: is there already: name a new folder, or an empty one")
        with _explained(self.aside):
            shutil.rmtree(self.aside, ignore_errors=True)
            self.aside.mkdir(parents=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is not None:
            shutil.rmtree(self.aside, ignore_errors=True)
            return
        told = {
            "layout": LAYOUT,
            "partition": self.partition,
            "home": self.home,
            "not_evaluated": [_fields(each) for each in self.not_evaluated],
        }
        with _explained(self.folder):
            self._write(self.aside / MANIFEST, told)
            with suppress(FileNotFoundError):
                self.folder.rmdir()
            self.aside.rename(self.folder)

    def pages(self, question: Question) -> Iterator[Answer]:
        """See Source. A listing's pages are kept until the last of them, to be written as one answer."""
        place = question.place
        path = self.aside / place.account / place.region / question.service / f"{question.name}.json"
        kept: list[Answer] = []
        try:
            for page in self.source.pages(question):
                kept.append(page)
                yield page
        except AwsError as error:
            self._write(path, {"Error": {"Code": error.code, "Message": error.message, "Action": error.action}})
            raise
        self._write(path, whole(kept))

    def stop(self) -> None:
        """See Source."""
        self.source.stop()

    def _write(self, path: Path, value: Any) -> None:
        with _explained(path):
            if path.parent not in self._made:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(path.parent)
            path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SnapshotError(f"{path}: cannot be written: {error.strerror}: choose another folder") from error


def _fields(missing: NotEvaluated) -> dict[str, str]:
    return {name: getattr(missing, name) for name in NotEvaluated.__slots__}
