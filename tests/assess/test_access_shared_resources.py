"""Which resources let in whom from outside their account, and to do what."""

from __future__ import annotations

from typing import Any

from estates import ACCOUNT, OTHER, STRANGE, allow, bucket, deny, inventory, key, organization, role, user
from sakimori.assess.access.estate import estate
from sakimori.assess.access.risk import Risk, risk_of
from sakimori.assess.access.shared_resources import Share, shares
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.asset import Asset

FILES = "arn:aws:s3:::files"
INSIDE = f"{FILES}/*"


def found(*assets: Any) -> list[Share]:
    return [*shares(estate(inventory(*assets)))]


def callers(*assets: Any) -> list[str]:
    return [share.caller.arn for share in found(*assets)]


def files(*statements: Any, **config: Any) -> Asset:
    return bucket("files", *statements, **config)


def test_a_share_for_every_caller_from_outside() -> None:
    strangers = [f"arn:aws:iam::{STRANGE}:role/a", f"arn:aws:iam::{STRANGE}:role/b"]
    assert callers(files(allow("s3:GetObject", INSIDE, Principal={"AWS": strangers}))) == strangers
    everybody = found(files(allow("s3:GetObject", INSIDE, Principal="*")))
    assert [share.everybody for share in everybody] == [True, True]
    assert {share.caller.principal.kind for share in everybody} == {"anonymous", "user"}


def test_our_own_other_accounts_are_outside_of_the_resources() -> None:
    reader = role("reader", allow("s3:*"), account=OTHER)
    by_account = files(allow("s3:GetObject", INSIDE, Principal={"AWS": OTHER}))
    assert callers(by_account, organization(ACCOUNT, OTHER)) == [f"arn:aws:iam::{OTHER}:root"]
    by_role = files(allow("s3:GetObject", INSIDE, Principal={"AWS": reader.uid}))
    assert callers(by_role, reader, organization(ACCOUNT, OTHER)) == [reader.uid]
    powerless = role("reader", account=OTHER)
    assert callers(by_role, powerless, organization(ACCOUNT, OTHER)) == [], "its own policies must allow it as well"


def test_its_own_account_services_and_roles_trust_are_none() -> None:
    assert callers(files(allow("s3:GetObject", INSIDE, Principal={"AWS": ACCOUNT}))) == []
    assert callers(files(allow("s3:GetObject", INSIDE, Principal={"Service": "logging.s3.amazonaws.com"}))) == []
    assert callers(role("r", trusts={"AWS": STRANGE})) == [], "trust has checks of its own"


def test_a_denial_takes_away_what_it_denies() -> None:
    stranger = {"AWS": f"arn:aws:iam::{STRANGE}:root"}
    (share,) = found(files(allow("s3:*", INSIDE, Principal=stranger), deny("s3:Put*", INSIDE, Principal="*")))
    actions = {action for action, _ in share.possible}
    assert "s3:GetObject" in actions
    assert not any(action.startswith("s3:Put") for action in actions)
    assert found(files(allow("s3:*", INSIDE, Principal=stranger), deny("s3:*", INSIDE, Principal="*"))) == []


def test_a_wildcard_means_the_actions_of_the_resources_service_the_gravest_first() -> None:
    (share,) = found(key("1", allow("*", Principal={"AWS": STRANGE})))
    actions = [action for action, _ in share.possible]
    assert {action.partition(":")[0] for action in actions} == {"kms"}
    order = [*Risk]
    assert [order.index(risk_of(action)) for action in actions] == sorted(
        order.index(risk_of(each)) for each in actions
    )


def test_what_is_unknown_is_no_possibility_but_a_row() -> None:
    stranger = f"arn:aws:iam::{OTHER}:role/x"
    (share,) = found(files(allow("s3:GetObject", INSIDE, Principal={"AWS": stranger})), organization(ACCOUNT, OTHER))
    assert share.possible == ()
    assert [row.outcome for _, row in share.rows] == [Outcome.UNKNOWN]


def test_who_is_named_by_an_exception_is_let_in_by_nothing() -> None:
    but_one = {"Effect": "Allow", "NotPrincipal": {"AWS": STRANGE}, "Action": "s3:GetObject", "Resource": INSIDE}
    shared = found(files(but_one), user("ann"))
    assert all(share.everybody for share in shared)
    assert shared
