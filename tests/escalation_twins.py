"""For every declared method of privilege escalation an account in which it works, made from the declaration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from estates import (
    ACCOUNT,
    allow,
    attached,
    bounded,
    group,
    inventory,
    managed,
    role,
    trust,
    user,
)
from estates import profile as profile_asset
from sakimori.assess.access.escalation import escalations
from sakimori.assess.access.estate import INSTANCE, estate
from sakimori.assess.access.holders import AROUND, named_by
from sakimori.assess.access.methods import Method
from sakimori.model.asset import Asset

ATTACKER, VICTIM, POLICY = "attacker", "victim", f"arn:aws:iam::{ACCOUNT}:policy/worn"
PROVIDERS = {"SAML": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp", "Open": f"arn:aws:iam::{ACCOUNT}:oidc-provider/idp"}


COMPONENT = f"arn:aws:imagebuilder:eu-west-1:{ACCOUNT}:component/harden"
CODE = {
    "s3:PutObject": "arn:aws:s3:::code/app/*",
    "codecommit:GitPush": f"arn:aws:codecommit:eu-west-1:{ACCOUNT}:web",
    "imagebuilder:CreateComponent": f"{COMPONENT}/999.0.0/*",
    "sagemaker:UpdateNotebookInstanceLifecycleConfig": (
        f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:notebook-instance-lifecycle-config/start"
    ),
}
PROJECT = f"arn:aws:codebuild:eu-west-1:{ACCOUNT}:project/web"
GROUP = f"arn:aws:codedeploy:eu-west-1:{ACCOUNT}:deploymentgroup:web/live"
IMAGE = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/web:live"
FUNCTION, MACHINE = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-own"
OWN_PROFILE = f"arn:aws:iam::{ACCOUNT}:instance-profile/own"
TAGGED = {"ec2TagFilters": [{"Key": "app", "Type": "KEY_ONLY"}]}


def step(category: str, provider: str, **configuration: str) -> dict[str, Any]:
    return {"actionTypeId": {"category": category, "provider": provider}, "configuration": configuration}


CODED: dict[str, dict[str, Any]] = {
    "AWS::CodePipeline::Pipeline": {
        "stages": [
            {
                "actions": [
                    step("Source", "S3", S3Bucket="code", S3ObjectKey="app/web.zip"),
                    step("Source", "CodeCommit", RepositoryName="web"),
                ]
            },
            {"actions": [step("Build", "CodeBuild", ProjectName="web")]},
            {"actions": [step("Deploy", "CodeDeploy", ApplicationName="web", DeploymentGroupName="live")]},
        ]
    },
    "build_object_replaced": {"source": {"type": "S3", "location": "code/app/web.zip"}},
    "build_repository_pushed_to": {
        "source": {"type": "CODECOMMIT", "location": "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/web"}
    },
    "AWS::SageMaker::NotebookInstance": {"NotebookInstanceLifecycleConfigName": "start"},
    "AWS::Glue::Job": {"Command": {"ScriptLocation": "s3://code/app/job.py"}},
    "AWS::MWAA::Environment": {"SourceBucketArn": "arn:aws:s3:::code", "DagS3Path": "app/dags/"},
    "AWS::ECS::TaskDefinition": {"containerDefinitions": [{"image": IMAGE}]},
    "service_image_replaced": {
        "SourceConfiguration": {"ImageRepository": {"ImageIdentifier": IMAGE}, "AutoDeploymentsEnabled": True}
    },
    "job_image_replaced": {"nodeProperties": {"nodeRangeProperties": [{"container": {"image": IMAGE}}]}},
    "build_image_replaced": {"environment": {"image": IMAGE}},
    "AWS::ImageBuilder::ImagePipeline": {"ImageRecipe": {"components": [{"componentArn": f"{COMPONENT}/x.x.x"}]}},
    "AWS::AppSync::DataSource": {
        "httpConfig": {"authorizationConfig": {"awsIamConfig": {"signingServiceName": "iam"}}}
    },
    "AWS::RolesAnywhere::TrustAnchor": {"enabled": True},
    "AWS::RolesAnywhere::Profile": {"enabled": True},
}
"""Where the code of a holder is, and what else makes it one, by its kind or the method."""
CODED |= {
    name.replace("_replaced", "_unfixed"): told for name, told in CODED.items() if name.endswith("_image_replaced")
}


class Twin:
    """An account in which one method leads from the attacker to an administrator."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.kind = method.who or "user"
        self.call(method.below[0] if method.below else "")
        self.holder = f"arn:aws:any:eu-west-1:{ACCOUNT}:thing/1" if method.holder else ""
        self.held, self.profile = True, method.profile or bool(method.holder)
        self.way = self.on_machine = True
        self.trusts: dict[str, Any] | None = None

    def call(self, below: str) -> None:
        """Has the role that the method is about begin with this name, or be below this path."""
        below = below.removeprefix("/")
        self.name = (below if self.method.alone else "") + ATTACKER
        self.victims_name = ("" if self.method.alone else below) + VICTIM
        self.arn = f"arn:aws:iam::{ACCOUNT}:{self.kind}/{self.name}"
        self.victim = f"arn:aws:iam::{ACCOUNT}:{self.method.target or 'role'}/{self.victims_name}"

    def statements(self, without: str = "", on: str = "", condition: Any = None) -> list[dict[str, Any]]:
        """The permissions that the method needs and no more; without one action, or with a condition `on` it."""
        found = []
        for need in self.method.needs:
            if need.action != without:
                found.append(allow(need.action, self.resource(need.place, need.action)))
        if "iam:PassRole" in self.method.actions and without != "iam:PassRole":
            passed = {"StringEquals": {"iam:PassedToService": self.method.passes}}
            found.append(allow("iam:PassRole", self.victim, Condition=passed))
        if self.method.gives == "filled" and self.way:
            way = ("iam:UpdateLoginProfile", self.victim)
            found.append(allow(*(way if self.method.target == "user" else ("lambda:UpdateFunctionCode", FUNCTION))))
        for each in found:
            if each["Action"] == on:
                operators = each.get("Condition", {})
                both = {name: {**operators.get(name, {}), **keys} for name, keys in condition.items()}
                each["Condition"] = {**operators, **both}
        return found

    def resource(self, place: str, action: str) -> Any:
        provider = PROVIDERS["SAML" if "SAML" in action else "Open"]
        if "{" in place:
            *_, holder = self._holder()
            return [*named_by(holder, place)]
        return {
            "any": "*",
            "same": "*",
            "self": self.arn,
            "own-policy": POLICY,
            "own-group": f"arn:aws:iam::{ACCOUNT}:group/team",
            "target": self.victim,
            "target-policy": POLICY,
            "holder": self.holder,
            "code": CODE.get(action) or f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/web",
            "provider": provider,
            "new": f"arn:aws:iam::{ACCOUNT}:{self.method.makes}/of-{ATTACKER}-*",
            "script-document": "arn:aws:ssm:*::document/AWS-RunShellScript",
            "own-instance": MACHINE,
            "own-profile": OWN_PROFILE,
        }[place]

    def assets(self, statements: list[dict[str, Any]], limits: dict[str, Any] | None = None) -> Iterator[Any]:
        places = {need.place for need in self.method.needs}
        config: dict[str, Any] = dict(limits or {})
        worn, team, own = [allow("ec2:Describe*")], [], statements
        if "own-policy" in places:
            config |= attached(POLICY)
        if self.method.gives == "unbounded":
            config = {**bounded(f"arn:aws:iam::{ACCOUNT}:policy/bound"), **config}
            yield managed("bound", *statements)
            own = [allow("*")]
        if self.method.gives == "undenied":
            own, worn, team, more = self._denied(statements)
            yield managed("mine", *more)
            config |= attached(
                f"arn:aws:iam::{ACCOUNT}:policy/mine", *([POLICY] if self.method.removes == "attached" else [])
            )
        if self.kind == "user":
            config["GroupList"] = ["team"]
        make = user if self.kind == "user" else role
        trusts = {} if self.kind == "user" else {"trusts": {"Service": "ec2.amazonaws.com"}}
        yield make(self.name, *own, **trusts, **config)
        in_team = self.method.removes == "group-attached"
        yield group("team", *team, **(attached(POLICY) if in_team else {}))
        yield managed("worn", *worn)
        if places & {"own-instance", "own-profile"} and self.on_machine:
            yield profile_asset("own", self.name)
            yield Asset(MACHINE, INSTANCE, ACCOUNT, "eu-west-1", {"IamInstanceProfile": {"Arn": OWN_PROFILE}})
        yield from self._victim(places)
        if self.method.holder and self.held:
            yield from self._holder()
        if self.method.gives in ("filled", "services", "owner") and self.way:
            yield from self._led_to()

    def _denied(self, statements: list[dict[str, Any]]) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Own inline statements, those of the policy worn, those of the team, and the rest: one of the first three
        denies all but the method."""
        elsewhere = {"NotAction": [*self.method.actions], "Resource": "*"}
        denial = [{"Effect": "Deny", **elsewhere}]
        more = [*statements, {"Effect": "Allow", **elsewhere}]
        removes = self.method.removes
        return (
            denial if removes == "inline" else [],
            denial if removes in ("attached", "group-attached") else [],
            denial if removes in ("group", "group-inline") else [],
            more,
        )

    def _victim(self, places: set[str]) -> Iterator[Any]:
        method = self.method
        if not method.target:
            return
        rights = [] if method.gives in ("target-self", "group-self", "filled") else [allow("*")]
        if method.gives == "services":
            rights = [allow("codecommit:GitPush")]
        config = attached(POLICY) if "target-policy" in places else {}
        if method.inactive_key:
            config["CredentialReport"] = {"access_key_1_active": "false", "access_key_1_last_rotated": "2025-01-01"}
        if method.target == "group":
            yield group(VICTIM, *rights, **config)
        elif method.target == "user":
            yield user(VICTIM, *rights, **config)
        else:
            yield role(self.victims_name, *rights, trusts=self._trust(places), **config)
        if self.profile:
            yield profile_asset("p", self.victims_name)

    def _led_to(self) -> Iterator[Asset]:
        """What makes more of rights that are not everything."""
        if self.method.gives == "filled":
            yield Asset(FUNCTION, "AWS::Lambda::Function", ACCOUNT, "eu-west-1", {"Role": self.victim})
        elif self.method.gives == "owner":
            yield role("setup", allow("*"), trusts=trust({"Service": "codestar.amazonaws.com"}))
        else:
            yield role("builder", allow("*"), trusts=trust({"Service": "codebuild.amazonaws.com"}))
            config = {**CODED["build_repository_pushed_to"], "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/builder"}
            yield Asset(PROJECT, "AWS::CodeBuild::Project", ACCOUNT, "eu-west-1", config)

    def _trust(self, places: set[str]) -> dict[str, Any]:
        if self.trusts:
            return trust(self.trusts)
        if "provider" in places:
            saml = any("SAML" in need.action for need in self.method.needs)
            action = "sts:AssumeRoleWithSAML" if saml else "sts:AssumeRoleWithWebIdentity"
            return trust({"Federated": PROVIDERS["SAML" if saml else "Open"]}, action)
        if self.method.federated:
            return trust({"Federated": self.method.passes}, "sts:AssumeRoleWithWebIdentity")
        if self.method.passes:
            return trust({"Service": [each for each in (self.method.passes, self.method.trusts) if each]})
        elsewhere = self.method.assumes == "rewritten" or self.method.gives == "filled"
        return trust({"Service": "lambda.amazonaws.com"} if elsewhere else {"AWS": ACCOUNT})

    def _holder(self) -> Iterator[Asset]:
        kind, path = self.method.holder or ("", "")
        runs_as = f"arn:aws:iam::{ACCOUNT}:instance-profile/p" if "Profile" in path else self.victim
        first, _, rest = path.split(", ")[0].partition(" -> ")
        config, tags = CODED.get(self.method.id) or CODED.get(kind, {}), {}
        for template in [self.method.source, *(need.place for need in self.method.needs)]:
            for named in re.findall(r"\{([^@{}][^{}]*)\}", template):
                config = {**config, **nested(named, "1" if template.startswith("arn:") else f"{self.holder}/{named}")}
        if first not in AROUND and not rest:
            config = {**nested(first, runs_as), **config}
        elif first.startswith("@associated"):
            yield Asset(f"{self.holder}/i-1", INSTANCE, ACCOUNT, "eu-west-1", nested(rest, runs_as))
            config = {**config, "DocumentVersion": "$LATEST", "Targets": [{"Key": "InstanceIds", "Values": ["i-1"]}]}
        elif first in ("@signing", "@enabled"):
            config = {**nested(rest, runs_as), **config}
        elif first == "@signed-in-by":
            profile = {**nested(rest, runs_as), "enabled": True}
            yield Asset(f"{self.holder}0", "AWS::RolesAnywhere::Profile", ACCOUNT, "eu-west-1", profile)
        elif first not in AROUND:
            yield Asset(f"{self.holder}0", "AWS::Any::Thing", ACCOUNT, "eu-west-1", nested(rest, runs_as))
            config = {**nested(first, f"{self.holder}0"), **config}
        elif first == "@of-beanstalk":
            config, tags = nested(rest, runs_as), {"elasticbeanstalk:environment-name": "e"}
        elif first == "@built-by":
            yield Asset(PROJECT, "AWS::CodeBuild::Project", ACCOUNT, "eu-west-1", nested(rest, runs_as))
        else:
            yield Asset(f"{self.holder}0", INSTANCE, ACCOUNT, "eu-west-1", nested(rest, runs_as), {"app": "web"})
            config = {**config, **TAGGED}
            yield Asset(GROUP, "AWS::CodeDeploy::DeploymentGroup", ACCOUNT, "eu-west-1", TAGGED)
        yield Asset(self.holder, kind, ACCOUNT, "eu-west-1", config, tags)

    def works(self, statements: list[dict[str, Any]], *more: Any, limits: dict[str, Any] | None = None) -> bool:
        """Is the method among those by which the attacker becomes an administrator?"""
        found = escalations(estate(inventory(*self.assets(statements, limits), *more)))
        edges = [edge for each in found if each.principal == self.arn for edge in (each.chain[0], *each.others)]
        return self.method.id in [edge.method.id for edge in edges]


def nested(path: str, value: str) -> dict[str, Any]:
    step, _, rest = path.partition(".")
    key, listed, condition = step.partition("[")
    member, chosen, wanted = condition.removesuffix("]").partition("=")
    inner: Any = nested(rest, value) if rest else value
    if chosen:
        inner = {member: wanted, **inner}
    return {key: [inner] if listed else inner}
