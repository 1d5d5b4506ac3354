"""What has a role that somebody can be let into: workgroups, desktops, channels, queues, profiles, products, sessions.
As the simulated AWS has them, and where it has none, as AWS's own models have them."""

from __future__ import annotations

import json

import pytest

from discover.world import SECRET, answer, arn, discovered, found_in
from sakimori.discover.services import own_services
from sakimori.simulate.aws import ACCOUNT, Answer, Call, SimulatedAws, told
from sakimori.simulate.recognise import Operation

ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
RUNS = ("runs-as", ROLE)


def test_workgroups_of_spark_and_no_further_call_for_others(aws: SimulatedAws) -> None:
    spark = {"Name": "lab", "State": "ENABLED", "EngineVersion": {"EffectiveEngineVersion": "PySpark engine version 3"}}
    query = {"Name": "primary", "EngineVersion": {"EffectiveEngineVersion": "Athena engine version 3"}}
    answer(aws, "athena", "ListWorkGroups", {"WorkGroups": [query, spark]})
    engine = {"SparkProperties": {"fs.s3a.secret.key": SECRET}, "AdditionalConfigs": {"x": SECRET}}
    asked = []

    def described(call: Call) -> Answer:
        asked.append(json.loads(call.body)["WorkGroup"])
        configuration = {"ExecutionRole": ROLE, "EngineConfiguration": {**engine, "MaxConcurrentDpus": 4}}
        return told(Operation("athena", "GetWorkGroup"), {"WorkGroup": {**spark, "Configuration": configuration}})

    aws.handlers["athena:GetWorkGroup"] = described
    inventory = discovered("athena")
    assert inventory.not_evaluated == []
    assert asked == ["lab"]
    assert SECRET not in str([*inventory])
    assert {each.target: each.source for each in inventory.relations} == {ROLE: arn("athena", "workgroup/lab")}
    assert inventory.get(arn("athena", "workgroup/primary")) is not None


def test_desktops_and_who_gets_to_them(aws: SimulatedAws) -> None:
    def one(kind: str, **more: object) -> dict[str, object]:
        uid = arn("appstream", f"{kind}/x")
        return {"Arn": uid, "Name": "x", "State": "RUNNING", "IamRoleArn": ROLE, "InstanceType": "stream", **more}

    fleet = {"ComputeCapacityStatus": {"Desired": 1}, "FleetType": "ELASTIC"}
    answer(aws, "appstream", "DescribeFleets", {"Fleets": [one("fleet", **fleet)]})
    answer(aws, "appstream", "DescribeImageBuilders", {"ImageBuilders": [one("image-builder")]})
    builder = one("app-block-builder", Platform="WINDOWS_SERVER_2019", VpcConfig={"SubnetIds": ["subnet-1"]})
    answer(aws, "appstream", "DescribeAppBlockBuilders", {"AppBlockBuilders": [builder]})
    answer(aws, "appstream", "ListAssociatedStacks", {"Names": ["people"]})
    application = arn("appstream", "application/editor")
    tied = {"ApplicationFleetAssociations": [{"FleetName": "x", "ApplicationArn": application}]}
    answer(aws, "appstream", "DescribeApplicationFleetAssociations", tied)
    found = found_in("appstream")
    assert all(RUNS in ties for _, _, ties in found.values())
    uid, config, ties = found["AWS::AppStream::Fleet"]
    assert (uid, config["Stacks"], config["Applications"]) == (arn("appstream", "fleet/x"), ["people"], [application])
    assert ("member-of", arn("appstream", "stack/people")) in ties
    assert ("in", arn("ec2", "subnet/subnet-1")) in found["AWS::AppStream::AppBlockBuilder"][2]


def test_graphql_apis_and_their_sources(aws: SimulatedAws) -> None:
    api = aws.client("appsync").create_graphql_api(name="web", authenticationType="API_KEY")["graphqlApi"]
    signing = {"signingRegion": "us-east-1", "signingServiceName": "iam"}
    http = {"endpoint": "https://iam.amazonaws.com", "authorizationConfig": {"authorizationType": "AWS_IAM"}}
    http["authorizationConfig"] = {"authorizationType": "AWS_IAM", "awsIamConfig": signing}
    source = {"dataSourceArn": f"{api['arn']}/datasources/iam", "name": "iam", "type": "HTTP", "serviceRoleArn": ROLE}
    table = {"tableName": "orders", "awsRegion": "eu-west-1"}
    answer(
        aws, "appsync", "ListDataSources", {"dataSources": [{**source, "httpConfig": http, "dynamodbConfig": table}]}
    )
    uid, config, ties = found_in("appsync")["AWS::AppSync::DataSource"]
    assert (uid, config["httpConfig"]) == (source["dataSourceArn"], http)
    stored = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/orders"
    assert ties == {RUNS, ("in", api["arn"]), ("targets", stored)}


def test_channels_are_asked_of_in_one_region_that_has_them(aws: SimulatedAws) -> None:
    uid = f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/ops"
    topic = arn("sns", "alarms")
    channel = {"ChatConfigurationArn": uid, "IamRoleArn": ROLE, "SnsTopicArns": [topic], "ConfigurationName": "ops"}
    slack = {**channel, "SlackTeamName": "t", "SlackTeamId": "T1", "SlackChannelId": "C1", "SlackChannelName": "ops"}
    answer(aws, "chatbot", "DescribeSlackChannelConfigurations", {"SlackChannelConfigurations": [slack]})
    teams = {**channel, "ChatConfigurationArn": uid.replace("slack-channel", "teams-channel")}
    teams |= {"ChannelId": "c", "TeamId": "t", "TenantId": "n"}
    answer(aws, "chatbot", "ListMicrosoftTeamsChannelConfigurations", {"TeamChannelConfigurations": [teams]})
    regions = []

    def note(call: Call, operation: Operation | None) -> Answer | None:
        if operation and operation.client == "chatbot":
            regions.append(call.headers["authorization"].split("/")[2])
        return None

    aws.watchers.append(note)
    inventory = discovered("chatbot", regions=("us-east-1", "eu-west-1"))
    assert inventory.not_evaluated == []
    assert regions == ["us-west-2"] * 2
    assert {each.uid: each.region for each in inventory} == dict.fromkeys(
        (uid, teams["ChatConfigurationArn"]), "global"
    )
    assert {(each.kind, each.target) for each in inventory.relations} == {RUNS, ("subscribed-to", topic)}


def test_queues_and_fleets_of_render_farms(aws: SimulatedAws) -> None:
    farm = {"farmId": "farm-1", "displayName": "films", "createdAt": "2026-01-01T00:00:00Z", "createdBy": "ann"}
    queue = {**farm, "queueId": "queue-1", "status": "IDLE", "defaultBudgetAction": "NONE"}
    fleet = {**farm, "fleetId": "fleet-1", "status": "ACTIVE", "workerCount": 0, "minWorkerCount": 0}
    fleet |= {"maxWorkerCount": 1, "configuration": {"customerManaged": {"mode": "NO_SCALING"}}}
    answer(aws, "deadline", "ListFarms", {"farms": [farm]})
    answer(aws, "deadline", "ListQueues", {"queues": [queue]})
    answer(aws, "deadline", "ListFleets", {"fleets": [fleet]})
    answer(aws, "deadline", "GetQueue", {**queue, "roleArn": ROLE})
    script = {"scriptBody": f"export PASSWORD={SECRET}", "scriptTimeoutSeconds": 5}
    answer(aws, "deadline", "GetFleet", {**fleet, "roleArn": ROLE, "hostConfiguration": script})
    found = found_in("deadline")
    in_farm = ("in", arn("deadline", "farm/farm-1"))
    for kind, id in (("Queue", "queue/queue-1"), ("Fleet", "fleet/fleet-1")):
        uid, _, ties = found[f"AWS::Deadline::{kind}"]
        assert (uid, ties) == (arn("deadline", f"farm/farm-1/{id}"), {in_farm, RUNS})


def test_environments_of_datazone(aws: SimulatedAws) -> None:
    domain = {"id": "dzd_1", "name": "data", "arn": arn("datazone", "domain/dzd_1"), "status": "AVAILABLE"}
    domain |= {"managedAccountId": ACCOUNT, "createdAt": "2026-01-01T00:00:00Z"}
    project = {"domainId": "dzd_1", "id": "p1", "name": "sales", "createdBy": "ann"}
    environment = {"domainId": "dzd_1", "projectId": "p1", "id": "e1", "name": "lake", "createdBy": "ann"}
    environment["provider"] = "AWS"
    resources = [{"name": "userRoleArn", "value": ROLE, "type": "IAM"}, {"name": "bucket", "value": "b", "type": "S3"}]
    answer(aws, "datazone", "ListDomains", {"items": [domain]})
    answer(aws, "datazone", "ListProjects", {"items": [project]})
    answer(aws, "datazone", "ListEnvironments", {"items": [environment]})
    answer(aws, "datazone", "GetEnvironment", {**environment, "provisionedResources": resources})
    uid, _, ties = found_in("datazone")["AWS::DataZone::Environment"]
    assert uid == arn("datazone", "domain/dzd_1/environment/e1")
    assert ties == {RUNS, ("in", arn("datazone", "domain/dzd_1/project/p1"))}


def test_tests_of_device_farm(aws: SimulatedAws) -> None:
    uid = arn("devicefarm", "project:p1")
    variables = [{"name": "PASSWORD", "value": SECRET}]
    project = {"arn": uid, "name": "app", "executionRoleArn": ROLE, "environmentVariables": variables}
    answer(aws, "devicefarm", "ListProjects", {"projects": [project]})
    kinds = {"spec": "APPIUM_NODE_TEST_SPEC", "app": "ANDROID_APP", "theirs": "APPIUM_NODE_TEST_SPEC"}
    uploads = [
        {"arn": f"{uid}/{name}", "type": kind, "url": f"https://x/?{SECRET}", "category": "PRIVATE"}
        for name, kind in kinds.items()
    ]
    uploads[-1]["category"] = "CURATED"
    answer(aws, "devicefarm", "ListUploads", {"uploads": uploads})
    found, config, ties = found_in("devicefarm")["AWS::DeviceFarm::Project"]
    assert (found, config["Specifications"], ties) == (uid, [f"{uid}/spec"], {RUNS})
    assert config["environmentVariables"] == [{"name": "PASSWORD"}]


def test_applications_of_emr_serverless_and_their_open_sessions(aws: SimulatedAws) -> None:
    client = aws.client("emr-serverless")
    made = client.create_application(name="spark", releaseLabel="emr-7.0.0", type="SPARK", clientToken="t")
    id, uid = made["applicationId"], made["arn"]
    client.start_application(applicationId=id)
    for number in range(3):
        client.start_job_run(applicationId=id, clientToken=f"t{number}", executionRoleArn=ROLE)
    when = "2026-01-01T00:00:00Z"
    session = {"applicationId": id, "executionRoleArn": ROLE, "createdAt": when, "updatedAt": when}
    session |= {"createdBy": "ann", "stateDetails": "", "releaseLabel": "emr-7.13.0"}
    states = {"open": "IDLE", "over": "TERMINATED"}
    every = [{**session, "sessionId": s, "arn": f"{uid}/sessions/{s}", "state": states[s]} for s in states]
    answer(aws, "emr-serverless", "ListSessions", {"sessions": every})
    found = found_in("emrserverless")
    application, config, ties = found["AWS::EMRServerless::Application"]
    assert (application, config["JobRunRoles"], ties) == (uid, [ROLE], {RUNS})
    assert found["AWS::EMRServerless::Session"][::2] == (f"{uid}/sessions/open", {RUNS, ("in", uid)})


def test_of_job_runs_only_the_latest_are_asked_for(aws: SimulatedAws) -> None:
    (listing,) = own_services()["emrserverless"].lists
    assert any(detail.first_page for detail in listing.gives[0].details)
    made = aws.client("emr-serverless").create_application(
        name="s", releaseLabel="emr-7.0.0", type="SPARK", clientToken="t"
    )
    run = {
        "applicationId": made["applicationId"],
        "id": "1",
        "arn": made["arn"],
        "createdBy": "ann",
        "state": "SUCCESS",
    }
    run |= {"createdAt": 1.0, "updatedAt": 1.0, "executionRole": ROLE, "stateDetails": "", "releaseLabel": "emr-7.0.0"}
    asked = []

    def runs(call: Call) -> Answer:
        asked.append(call.query)
        return told(Operation("emr-serverless", "ListJobRuns"), {"jobRuns": [run], "nextToken": "more"})

    aws.handlers["emr-serverless:ListJobRuns"] = runs
    assert found_in("emrserverless")["AWS::EMRServerless::Application"][1]["JobRunRoles"] == [ROLE]
    assert len(asked) == 1


def test_experiments(aws: SimulatedAws) -> None:
    action = {"actionId": "aws:ssm:send-command", "parameters": {"documentParameters": SECRET}}
    client = aws.client("fis")
    template = client.create_experiment_template(
        clientToken="t",
        description="d",
        roleArn=ROLE,
        stopConditions=[{"source": "none"}],
        targets={},
        actions={"run": action},
        tags={"team": "sre"},
    )["experimentTemplate"]
    uid, config, ties = found_in("fis")["AWS::FIS::ExperimentTemplate"]
    assert (uid, ties) == (template["arn"], {RUNS})
    assert [*config["actions"]["run"]["parameters"]] == ["documentParameters"]


def test_streams_of_games(aws: SimulatedAws) -> None:
    group = arn("gameliftstreams", "streamgroup/sg-1")
    answer(aws, "gameliftstreams", "ListStreamGroups", {"Items": [{"Arn": group, "Id": "sg-1", "Status": "ACTIVE"}]})
    sessions = [
        {"Arn": arn("gameliftstreams", f"streamsession/sg-1/{state}"), "Status": state, "RoleArn": ROLE}
        for state in ("CONNECTED", "TERMINATED")
    ]
    answer(aws, "gameliftstreams", "ListStreamSessions", {"Items": sessions})
    uid, _, ties = found_in("gameliftstreams")["AWS::GameLiftStreams::StreamSession"]
    assert (uid.rpartition("/")[2], ties) == ("CONNECTED", {RUNS, ("in", group)})


def test_fleets_of_game_servers(aws: SimulatedAws) -> None:
    fleet, script = arn("gamelift", "fleet/fleet-1"), arn("gamelift", "script/script-1")
    one = {"FleetArn": fleet, "Name": "eu", "InstanceRoleArn": ROLE, "ScriptArn": script, "Status": "ACTIVE"}
    one["ServerLaunchParameters"] = f"--password {SECRET}"
    answer(aws, "gamelift", "DescribeFleetAttributes", {"FleetAttributes": [one]})
    contained = arn("gamelift", "containerfleet/containerfleet-1")
    answer(aws, "gamelift", "ListContainerFleets", {"ContainerFleets": [{"FleetArn": contained, "FleetRoleArn": ROLE}]})
    found = found_in("gamelift")
    assert found["AWS::GameLift::Fleet"][::2] == (fleet, {RUNS, ("built-from", script)})
    assert found["AWS::GameLift::ContainerFleet"][::2] == (contained, {RUNS})


def test_open_sessions_of_glue(aws: SimulatedAws) -> None:
    sessions = [
        {"Id": state, "Role": ROLE, "Status": state, "DefaultArguments": {"--password": SECRET}}
        for state in ("READY", "STOPPED")
    ]
    answer(aws, "glue", "ListSessions", {"Ids": ["READY", "STOPPED"], "Sessions": sessions})
    assert found_in("glue")["AWS::Glue::Session"][::2] == (arn("glue", "session/READY"), {RUNS})


def test_pipelines_of_images(aws: SimulatedAws) -> None:
    recipe, infrastructure = (
        arn("imagebuilder", "image-recipe/web/1.0.0"),
        arn("imagebuilder", "infrastructure-configuration/w"),
    )
    component = arn("imagebuilder", "component/harden/x.x.x")
    pipeline = {"arn": arn("imagebuilder", "image-pipeline/web"), "name": "web", "imageRecipeArn": recipe}
    pipeline |= {"infrastructureConfigurationArn": infrastructure, "dateLastRun": "2026-11-26"}
    answer(aws, "imagebuilder", "ListImagePipelines", {"imagePipelineList": [pipeline]})
    summary = {"arn": infrastructure, "name": "w", "instanceProfileName": "builder"}
    answer(
        aws, "imagebuilder", "ListInfrastructureConfigurations", {"infrastructureConfigurationSummaryList": [summary]}
    )
    answer(
        aws,
        "imagebuilder",
        "GetInfrastructureConfiguration",
        {"infrastructureConfiguration": {**summary, "subnetId": "s"}},
    )
    parameters = [{"name": "password", "value": [SECRET]}]
    components = [{"componentArn": component, "parameters": parameters}]
    told = {"arn": recipe, "components": components, "additionalInstanceConfiguration": {"userDataOverride": SECRET}}
    answer(aws, "imagebuilder", "GetImageRecipe", {"imageRecipe": told})
    found = found_in("imagebuilder")
    assert ("built-from", component) in found["AWS::ImageBuilder::ImagePipeline"][2]
    profile = f"arn:aws:iam::{ACCOUNT}:instance-profile/builder"
    assert ("uses", profile) in found["AWS::ImageBuilder::InfrastructureConfiguration"][2]


def test_authorities_and_profiles_of_roles_anywhere(aws: SimulatedAws) -> None:
    anchor, profile = arn("rolesanywhere", "trust-anchor/1"), arn("rolesanywhere", "profile/1")
    authority = arn("acm-pca", "certificate-authority/1")
    source = {"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": authority}}
    anchors = [{"trustAnchorArn": anchor, "name": "pki", "enabled": True, "source": source}]
    answer(aws, "rolesanywhere", "ListTrustAnchors", {"trustAnchors": anchors})
    profiles = [{"profileArn": profile, "name": "ci", "enabled": True, "roleArns": [ROLE], "sessionPolicy": "{}"}]
    answer(aws, "rolesanywhere", "ListProfiles", {"profiles": profiles})
    found = found_in("rolesanywhere")
    assert found["AWS::RolesAnywhere::TrustAnchor"][::2] == (anchor, {("trusts", authority)})
    assert found["AWS::RolesAnywhere::Profile"] == (profile, {**profiles[0], "sessionPolicy": {}}, {RUNS})


@pytest.mark.parametrize("named", [{"RoleArn": ROLE}, {"LocalRoleName": "worker"}])
def test_roles_under_which_products_are_launched(aws: SimulatedAws, named: dict[str, str]) -> None:
    made = aws.client("servicecatalog").create_portfolio(DisplayName="it", ProviderName="it", IdempotencyToken="t")
    portfolio = made["PortfolioDetail"]
    constraints = [
        {"ConstraintId": f"cons-{kind}", "Type": kind, "ProductId": "prod-1", "PortfolioId": portfolio["Id"]}
        for kind in ("LAUNCH", "NOTIFICATION")
    ]
    answer(aws, "servicecatalog", "ListConstraintsForPortfolio", {"ConstraintDetails": constraints})
    described = {"ConstraintDetail": constraints[0], "ConstraintParameters": json.dumps(named), "Status": "AVAILABLE"}
    answer(aws, "servicecatalog", "DescribeConstraint", described)
    found = found_in("servicecatalog")
    assert "AWS::ServiceCatalog::Portfolio" in found
    uid, config, ties = found["AWS::ServiceCatalog::LaunchRoleConstraint"]
    assert (uid, config["ConstraintParameters"]) == (arn("catalog", "constraint/cons-LAUNCH"), named)
    assert ties == {
        RUNS,
        ("in", arn("catalog", f"portfolio/{portfolio['Id']}")),
        ("targets", arn("catalog", "product/prod-1")),
    }


def test_what_state_manager_runs_where(aws: SimulatedAws) -> None:
    targets = [{"Key": "tag:app", "Values": ["web"]}]
    association = {"Name": "harden", "AssociationId": "a-1", "InstanceId": "i-1", "Targets": targets}
    answer(aws, "ssm", "ListAssociations", {"Associations": [{**association, "DocumentVersion": "$LATEST"}]})
    uid, config, ties = found_in("ssm")["AWS::SSM::Association"]
    assert (uid, config["Targets"]) == (arn("ssm", "association/a-1"), targets)
    assert ties == {("targets", arn("ec2", "instance/i-1"))}
