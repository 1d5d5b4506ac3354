"""What others can be let into, as it is in the simulated AWS: each with what says whom, by no call too many."""

from __future__ import annotations

import json
from typing import Any

import pytest

from discover.world import discovered, ties
from sakimori.assess.access.assessment import assess
from sakimori.discover.services import services
from sakimori.model.asset import Asset, Inventory
from sakimori.simulate.aws import ACCOUNT, REGION, Answer, Call, SimulatedAws, told
from sakimori.simulate.recognise import Operation

STRANGE = "999900001111"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def policy(action: str, resource: str = "*", principal: str = STRANGE) -> str:
    named = "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"}
    statement = {"Sid": "x", "Effect": "Allow", "Principal": named, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def answer(aws: SimulatedAws, client: str, **results: Any) -> None:
    for operation, result in results.items():
        aws.handlers[f"{client}:{operation}"] = lambda call, result=result, operation=operation: told(
            Operation(client, operation), result
        )


def found_in(*names: str) -> Inventory:
    """What these services have; that no others were asked is no matter here."""
    inventory = discovered(*names)
    assert inventory.not_evaluated == []
    inventory.asked = None
    return inventory


def only(inventory: Inventory, kind: str) -> Asset:
    (asset,) = inventory.of_type(kind)
    return asset


def shared(inventory: Inventory) -> set[tuple[str, str]]:
    """What strangers may do with what is there, by `assess access`."""
    findings = assess(inventory, ["cross_account_resource"]).findings
    return {(each.asset, action) for each in findings for action in each.evidence["actions"] if STRANGE in each.actor}


def test_event_buses(aws: SimulatedAws) -> None:
    client = aws.client("events")
    client.put_permission(EventBusName="default", Action="events:PutEvents", Principal=STRANGE, StatementId="them")
    client.create_event_bus(Name="orders")
    inventory = found_in("events")
    assert {asset.name for asset in inventory.of_type("AWS::Events::EventBus")} == {"default", "orders"}
    assert shared(inventory) == {(arn("events", "event-bus/default"), "events:PutEvents")}


def test_streams_and_their_consumers(aws: SimulatedAws) -> None:
    client = aws.client("kinesis")
    for name in ("open", "shut"):
        client.create_stream(StreamName=name, ShardCount=1)
    stream = arn("kinesis", "stream/open")
    client.put_resource_policy(ResourceARN=stream, Policy=policy("kinesis:GetRecords", stream))
    consumer = client.register_stream_consumer(StreamARN=stream, ConsumerName="c")["Consumer"]["ConsumerARN"]
    inventory = found_in("kinesis")
    assert len(list(inventory.of_type("AWS::Kinesis::Stream"))) == 2
    assert ("subscribed-to", stream) in ties(inventory, consumer)
    assert shared(inventory) == {(stream, "kinesis:GetRecords")}


def test_backup_vaults(aws: SimulatedAws) -> None:
    vault = aws.client("backup").create_backup_vault(BackupVaultName="v")["BackupVaultArn"]
    answer(aws, "backup", GetBackupVaultAccessPolicy={"Policy": policy("backup:CopyIntoBackupVault")})
    inventory = found_in("backup")
    assert only(inventory, "AWS::Backup::BackupVault").config["NumberOfRecoveryPoints"] == 0
    assert shared(inventory) == {(vault, "backup:CopyIntoBackupVault")}


def test_identities_of_mail_have_several_policies(aws: SimulatedAws) -> None:
    aws.client("sesv2").create_email_identity(EmailIdentity="example.com")
    policies = {"a": policy("ses:SendEmail"), "b": policy("ses:SendRawEmail")}
    answer(aws, "sesv2", GetEmailIdentity={"IdentityType": "DOMAIN", "Policies": policies})
    inventory = found_in("ses")
    identity = arn("ses", "identity/example.com")
    assert only(inventory, "AWS::SES::EmailIdentity").config["Policies"]["a"]["Version"] == "2012-10-17"
    assert shared(inventory) == {(identity, "ses:SendEmail"), (identity, "ses:SendRawEmail")}


def test_destinations_of_logs(aws: SimulatedAws) -> None:
    client = aws.client("logs")
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    client.put_destination(destinationName="d", targetArn=arn("kinesis", "stream/s"), roleArn=role)
    destination = arn("logs", "destination:d")
    client.put_destination_policy(destinationName="d", accessPolicy=policy("logs:PutSubscriptionFilter", destination))
    inventory = found_in("logs")
    assert ties(inventory, destination) == {("targets", arn("kinesis", "stream/s")), ("runs-as", role)}
    assert shared(inventory) == {(destination, "logs:PutSubscriptionFilter")}


def test_packages(aws: SimulatedAws) -> None:
    domain, repository = arn("codeartifact", "domain/dom"), arn("codeartifact", "repository/dom/rep")
    one = {"name": "dom", "owner": ACCOUNT, "arn": domain, "status": "Active"}
    two = {"name": "rep", "domainName": "dom", "domainOwner": ACCOUNT, "arn": repository}
    answer(
        aws,
        "codeartifact",
        ListDomains={"domains": [one]},
        ListRepositories={"repositories": [two]},
        GetDomainPermissionsPolicy={"policy": {"document": policy("codeartifact:GetAuthorizationToken")}},
        GetRepositoryPermissionsPolicy={"policy": {"document": policy("codeartifact:ReadFromRepository")}},
    )
    inventory = found_in("codeartifact")
    assert ties(inventory, repository) == {("in", domain)}
    assert shared(inventory) == {
        (domain, "codeartifact:GetAuthorizationToken"),
        (repository, "codeartifact:ReadFromRepository"),
    }


def test_certificate_authorities(aws: SimulatedAws) -> None:
    client = aws.client("acm-pca")
    made = client.create_certificate_authority(
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "RSA_2048",
            "SigningAlgorithm": "SHA256WITHRSA",
            "Subject": {"CommonName": "example.com"},
        },
        CertificateAuthorityType="ROOT",
    )["CertificateAuthorityArn"]
    answer(aws, "acm-pca", GetPolicy={"Policy": policy("acm-pca:IssueCertificate", made)})
    inventory = found_in("acmpca")
    assert only(inventory, "AWS::ACMPCA::CertificateAuthority").name == "example.com"
    assert shared(inventory) == {(made, "acm-pca:IssueCertificate")}


def test_table_buckets_and_tables(aws: SimulatedAws) -> None:
    bucket = aws.client("s3tables").create_table_bucket(name="tables")["arn"]
    uid = f"{bucket}/table/1"
    listed = {"namespace": ["n"], "name": "t", "type": "customer", "tableARN": uid}
    times = {"createdAt": "2026-01-01T00:00:00Z", "modifiedAt": "2026-01-01T00:00:00Z"}
    answer(
        aws,
        "s3tables",
        ListTables={"tables": [{**listed, **times}]},
        GetTableBucketPolicy={"resourcePolicy": policy("s3tables:GetTableData", f"{bucket}/table/*")},
        GetTablePolicy={"resourcePolicy": policy("s3tables:GetTable")},
    )
    inventory = found_in("s3tables")
    assert ties(inventory, uid) == {("in", bucket)}
    assert shared(inventory) == {(bucket, "s3tables:GetTableData"), (uid, "s3tables:GetTable")}


def test_directory_buckets_are_other_than_buckets(aws: SimulatedAws) -> None:
    aws.client("s3").create_bucket(Bucket="plain")
    name = "b--use1-az4--x-s3"
    keys = {"AccessKeyId": "testing", "SecretAccessKey": "testing", "SessionToken": "testing"}
    session = {**keys, "Expiration": "2040-01-01T00:00:00Z"}
    answer(
        aws,
        "s3",
        ListDirectoryBuckets={"Buckets": [{"Name": name}]},
        CreateSession={"Credentials": session},  # which boto3 asks for where it does not know the host
        GetBucketPolicy={"Policy": policy("s3express:CreateSession")},
    )
    inventory = found_in("s3express")
    assert [asset.uid for asset in inventory] == [arn("s3express", f"bucket/{name}")]
    assert shared(inventory) == {(arn("s3express", f"bucket/{name}"), "s3express:CreateSession")}


def test_access_points(aws: SimulatedAws) -> None:
    aws.client("s3").create_bucket(Bucket="data")
    point = arn("s3", "accesspoint/pnt")
    listed = {"Name": "pnt", "Bucket": "data", "NetworkOrigin": "Internet", "AccessPointArn": point}
    answer(
        aws,
        "s3control",
        ListAccessPoints={"AccessPointList": [listed]},
        GetAccessPoint={**listed, "PublicAccessBlockConfiguration": {"RestrictPublicBuckets": True}},
        GetAccessPointPolicy={"Policy": policy("s3:GetObject", f"{point}/object/*")},
    )
    delegates = json.loads(policy("s3:*", "arn:aws:s3:::data/*", "*"))
    delegates["Statement"][0]["Condition"] = {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}}
    assert shared(found_in("s3", "s3accesspoints")) == set()
    aws.client("s3").put_bucket_policy(Bucket="data", Policy=json.dumps(delegates))
    inventory = found_in("s3", "s3accesspoints")
    assert ("targets", "arn:aws:s3:::data") in ties(inventory, point)
    assert shared(inventory) == {(point, "s3:GetObject")}


def test_access_points_of_many_regions(aws: SimulatedAws) -> None:
    listed = {"Name": "m", "Alias": "m1.mrap", "Status": "READY", "Regions": [{"Bucket": "data", "Region": REGION}]}
    asked: list[str] = []

    def points(call: Call) -> Answer:
        asked.append(call.headers["authorization"].split("/")[2])
        return told(Operation("s3control", "ListMultiRegionAccessPoints"), {"AccessPoints": [listed]})

    aws.handlers["s3control:ListMultiRegionAccessPoints"] = points
    policies = {"Policy": {"Established": {"Policy": policy("s3:GetObject")}}}
    answer(aws, "s3control", GetMultiRegionAccessPointPolicy=policies)
    found = only(found_in("s3multiregion"), "AWS::S3::MultiRegionAccessPoint")
    assert (found.uid, found.region) == (f"arn:aws:s3::{ACCOUNT}:accesspoint/m1.mrap", "global")
    assert found.config["Policy"]["Version"] == "2012-10-17"
    assert asked == ["us-west-2"]


def test_access_grants(aws: SimulatedAws) -> None:
    instance, role = arn("s3", "access-grants/default"), f"arn:aws:iam::{ACCOUNT}:role/grants"
    location = {"AccessGrantsLocationArn": f"{instance}/location/1", "LocationScope": "s3://data/*", "IAMRoleArn": role}
    grantee = {"GranteeType": "IAM", "GranteeIdentifier": f"arn:aws:iam::{ACCOUNT}:role/reader"}
    grant = {"AccessGrantArn": f"{instance}/grant/1", "GrantScope": "s3://data/a/*", "Grantee": grantee}
    answer(
        aws,
        "s3control",
        ListAccessGrantsInstances={"AccessGrantsInstancesList": [{"AccessGrantsInstanceArn": instance}]},
        GetAccessGrantsInstanceResourcePolicy={"Policy": policy("s3:GetDataAccess", instance)},
        ListAccessGrantsLocations={"AccessGrantsLocationsList": [location]},
        ListAccessGrants={"AccessGrantsList": [grant]},
    )
    inventory = found_in("s3accesspoints")
    assert ties(inventory, f"{instance}/location/1") == {("runs-as", role)}
    assert ties(inventory, f"{instance}/grant/1") == {("shared-with", f"arn:aws:iam::{ACCOUNT}:role/reader")}
    assert shared(inventory) == {(instance, "s3:GetDataAccess")}


def test_shares_of_ram(aws: SimulatedAws) -> None:
    share, subnet = arn("ram", "resource-share/1"), arn("ec2", "subnet/subnet-1")
    listed = {"resourceShareArn": share, "name": "net", "owningAccountId": ACCOUNT, "status": "ACTIVE"}
    permission = {"arn": "arn:aws:ram::aws:permission/P", "name": "P", "version": "2", "resourceType": "ec2:Subnet"}
    asked: list[dict[str, Any]] = []

    def associations(call: Call) -> Answer:
        body = json.loads(call.body)
        asked.append(body)
        entity = STRANGE if body["associationType"] == "PRINCIPAL" else subnet
        one = {"resourceShareArn": share, "associatedEntity": entity, "status": "ASSOCIATED"}
        return told(Operation("ram", "GetResourceShareAssociations"), {"resourceShareAssociations": [one]})

    def described(call: Call) -> Answer:
        assert json.loads(call.body)["permissionVersion"] == 2
        template = json.dumps({"Effect": "Allow", "Action": ["ec2:RunInstances"]})
        return told(Operation("ram", "GetPermission"), {"permission": {**permission, "permission": template}})

    aws.handlers["ram:GetResourceShareAssociations"] = associations
    aws.handlers["ram:GetPermission"] = described
    answer(
        aws,
        "ram",
        GetResourceShares={"resourceShares": [listed]},
        ListResourceSharePermissions={"permissions": [permission]},
    )
    inventory = found_in("ram")
    assert {(each["associationType"]) for each in asked} == {"PRINCIPAL", "RESOURCE"}
    assert len(asked) == 2
    assert ("uses", subnet) in ties(inventory, share)
    assert shared(inventory) == {(share, "ec2:RunInstances")}


def test_the_data_catalog_is_there_with_or_without_a_policy(aws: SimulatedAws) -> None:
    assert only(found_in("glue"), "AWS::Glue::DataCatalog").config == {}
    aws.client("glue").put_resource_policy(PolicyInJson=policy("glue:GetTable", arn("glue", "*")))
    catalog = arn("glue", "catalog")
    assert shared(found_in("glue")) == {(catalog, "glue:GetTable")}


def test_warehouses_without_servers(aws: SimulatedAws) -> None:
    namespace, snapshot = arn("redshift-serverless", "namespace/1"), arn("redshift-serverless", "snapshot/1")
    one = {"namespaceArn": namespace, "namespaceName": "n"}
    two = {
        "snapshotArn": snapshot,
        "snapshotName": "s",
        "accountsWithRestoreAccess": [STRANGE],
        "namespaceArn": namespace,
    }
    empty: dict[str, Any] = {"resourcePolicy": {}}
    answer(
        aws,
        "redshift-serverless",
        ListNamespaces={"namespaces": [one]},
        ListSnapshots={"snapshots": [two]},
        GetResourcePolicy=empty,
    )
    assert shared(found_in("redshiftserverless")) == {(snapshot, "redshift-serverless:RestoreFromSnapshot")}


def test_what_only_has_a_few_words_of_policy(aws: SimulatedAws) -> None:
    profile, application = arn("signer", "/signing-profiles/prof"), arn("serverlessrepo", "applications/a")
    permission = {"action": "signer:StartSigningJob", "principal": STRANGE, "statementId": "s"}
    answer(
        aws,
        "signer",
        ListSigningProfiles={"profiles": [{"profileName": "prof", "arn": profile}]},
        ListProfilePermissions={"permissions": [permission]},
    )
    statement = {"Actions": ["Deploy"], "Principals": [STRANGE], "StatementId": "s"}
    listed = {"ApplicationId": application, "Name": "a", "Author": "x", "Description": "y"}
    answer(
        aws,
        "serverlessrepo",
        ListApplications={"Applications": [listed]},
        GetApplicationPolicy={"Statements": [statement]},
    )
    assert (profile, "signer:StartSigningJob") in shared(found_in("signer"))
    assert (application, "serverlessrepo:CreateCloudFormationChangeSet") in shared(found_in("serverlessrepo"))


def test_registries_bots_and_projects(aws: SimulatedAws) -> None:
    registry, project = arn("schemas", "registry/r"), arn("rekognition", "project/p/1700")
    answer(
        aws,
        "schemas",
        ListRegistries={"Registries": [{"RegistryArn": registry, "RegistryName": "r"}]},
        GetResourcePolicy={"Policy": policy("schemas:DescribeSchema")},
    )
    answer(
        aws,
        "lexv2-models",
        ListBots={"botSummaries": [{"botId": "BOT1234567", "botName": "bot"}]},
        ListBotAliases={"botAliasSummaries": [{"botAliasId": "ALIAS12345", "botAliasName": "live"}]},
        DescribeResourcePolicy={"policy": policy("lex:RecognizeText")},
    )
    document = policy("rekognition:CopyProjectVersion")
    answer(
        aws,
        "rekognition",
        DescribeProjects={"ProjectDescriptions": [{"ProjectArn": project}]},
        ListProjectPolicies={"ProjectPolicies": [{"PolicyName": "x", "PolicyDocument": document}]},
    )
    assert shared(found_in("schemas")) == {(registry, "schemas:DescribeSchema")}
    assert shared(found_in("lex")) == {
        (arn("lex", each), "lex:RecognizeText") for each in ("bot/BOT1234567", "bot-alias/BOT1234567/ALIAS12345")
    }
    assert shared(found_in("rekognition")) == {(project, "rekognition:CopyProjectVersion")}


def test_what_is_on_outposts(aws: SimulatedAws) -> None:
    outpost, bucket = arn("outposts", "outpost/op-1"), arn("s3-outposts", "outpost/op-1/bucket/b")
    listed = {"Bucket": "b", "BucketArn": bucket, "OutpostId": "op-1", "PublicAccessBlockEnabled": True}
    answer(aws, "s3outposts", ListOutpostsWithS3={"Outposts": [{"OutpostArn": outpost, "OutpostId": "op-1"}]})
    answer(
        aws,
        "s3control",
        ListRegionalBuckets={"RegionalBucketList": [{**listed, "CreationDate": "2026-01-01T00:00:00Z"}]},
        GetBucketPolicy={"Policy": policy("s3-outposts:GetObject", f"{bucket}/object/*")},
    )
    inventory = found_in("s3outposts")
    assert ties(inventory, bucket) == {("in", outpost)}
    assert shared(inventory) == {(bucket, "s3-outposts:GetObject")}


def test_services_of_lattice(aws: SimulatedAws) -> None:
    service, network = arn("vpc-lattice", "service/svc-1"), arn("vpc-lattice", "servicenetwork/sn-1")
    invoke = policy("vpc-lattice-svcs:Invoke")
    answer(
        aws,
        "vpc-lattice",
        ListServices={"items": [{"arn": service, "name": "orders"}]},
        GetService={"arn": service, "authType": "AWS_IAM"},
        ListServiceNetworks={"items": [{"arn": network, "name": "net"}]},
        GetServiceNetwork={"arn": network, "authType": "NONE"},
        GetAuthPolicy={"policy": invoke, "state": "Active"},
        ListServiceNetworkServiceAssociations={"items": [{"serviceNetworkArn": network}]},
    )
    inventory = found_in("vpclattice")
    assert inventory.get(network).config["AuthPolicy"] is None  # type: ignore[union-attr]  # it is there
    assert ties(inventory, service) == {("in", network)}
    assert shared(inventory) == {(service, "vpc-lattice-svcs:Invoke")}


def test_collections_and_their_data_policies(aws: SimulatedAws) -> None:
    collection = aws.client("opensearchserverless")
    encryption = {
        "Rules": [{"ResourceType": "collection", "Resource": ["collection/logs"]}],
        "KmsARN": arn("kms", "key/1"),
    }
    collection.create_security_policy(type="encryption", name="encrypts", policy=json.dumps(encryption))
    collection.create_collection(name="logs", type="SEARCH")
    rules = [{"Rules": [{"ResourceType": "index", "Resource": ["index/logs/*"]}], "Principal": ["x"]}]
    answer(
        aws,
        "opensearchserverless",
        ListAccessPolicies={"accessPolicySummaries": [{"name": "readers", "type": "data"}]},
        GetAccessPolicy={"accessPolicyDetail": {"name": "readers", "type": "data", "policy": rules}},
    )
    inventory = found_in("opensearchserverless")
    assert only(inventory, "AWS::OpenSearchServerless::Collection").name == "logs"
    assert only(inventory, "AWS::OpenSearchServerless::AccessPolicy").config["policy"] == rules


def test_what_keeps_its_policy_alone(aws: SimulatedAws) -> None:
    """Services that list something and tell the policy of each, with what a stranger may do there."""
    cluster, dsql, sink = arn("kafka", "cluster/c/1"), arn("dsql", "cluster/abc"), arn("oam", "sink/1")
    store, channel = arn("cloudtrail", "eventdatastore/1"), arn("cloudtrail", "channel/1")
    vectors, vault = arn("s3vectors", "bucket/vec"), arn("glacier", "vaults/v")

    def given(client: str, action: str, listing: str, listed: dict[str, Any], asked: str, told_as: Any = None) -> None:
        document = policy(action)
        answer(aws, client, **{listing: listed, asked: told_as(document) if told_as else {"Policy": document}})

    given(
        "kafka",
        "kafka:CreateVpcConnection",
        "ListClustersV2",
        {"ClusterInfoList": [{"ClusterArn": cluster}]},
        "GetClusterPolicy",
    )
    given("oam", "oam:CreateLink", "ListSinks", {"Items": [{"Arn": sink, "Name": "s"}]}, "GetSinkPolicy")
    lower = {"told_as": lambda document: {"policy": document}}
    given(
        "dsql",
        "dsql:DbConnect",
        "ListClusters",
        {"clusters": [{"identifier": "abc", "arn": dsql}]},
        "GetClusterPolicy",
        **lower,
    )
    buckets = {
        "vectorBuckets": [{"vectorBucketName": "vec", "vectorBucketArn": vectors, "creationTime": 1_780_000_000}]
    }
    given("s3vectors", "s3vectors:QueryVectors", "ListVectorBuckets", buckets, "GetVectorBucketPolicy", **lower)
    answer(
        aws,
        "cloudtrail",
        ListEventDataStores={"EventDataStores": [{"EventDataStoreArn": store, "Name": "s"}]},
        ListChannels={"Channels": [{"ChannelArn": channel, "Name": "c"}]},
        GetResourcePolicy={"ResourcePolicy": policy("cloudtrail:StartQuery")},
    )
    answer(
        aws,
        "glacier",
        ListVaults={"VaultList": [{"VaultARN": vault, "VaultName": "v"}]},
        GetVaultAccessPolicy={"policy": {"Policy": policy("glacier:InitiateJob")}},
    )
    found = shared(found_in("kafka", "oam", "dsql", "s3vectors", "cloudtraillake", "glacier"))
    assert found == {
        (cluster, "kafka:CreateVpcConnection"),
        (sink, "oam:CreateLink"),
        (dsql, "dsql:DbConnect"),
        (vectors, "s3vectors:QueryVectors"),
        (store, "cloudtrail:StartQuery"),
        (channel, "cloudtrail:StartQuery"),
        (vault, "glacier:InitiateJob"),
    }


def test_gateways_of_agents(aws: SimulatedAws) -> None:
    gateway = arn("bedrock-agentcore", "gateway/g-1")
    summary = {"gatewayId": "g-1", "name": "g", "status": "READY", "authorizerType": "NONE"}
    answer(
        aws,
        "bedrock-agentcore-control",
        ListGateways={"items": [summary]},
        GetGateway={**summary, "gatewayArn": gateway, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/g"},
        GetResourcePolicy={},
    )
    inventory = found_in("bedrockagentcore")
    (finding,) = assess(inventory, ["public_resource"]).findings
    assert (finding.asset, finding.title) == (gateway, "Anybody may bedrock-agentcore:InvokeGateway on g")


OURS = (
    "acmpca backup cloudtraillake codeartifact dsql events glacier kafka kinesis lex logs oam opensearchserverless"
    " ram redshiftserverless rekognition s3accesspoints s3express s3multiregion s3outposts s3tables s3vectors schemas"
    " serverlessrepo ses signer vpclattice"
).split()


def test_an_empty_account_is_asked_one_list_a_kind(aws: SimulatedAws) -> None:
    seen: list[str] = []
    aws.watchers.append(lambda call, operation: seen.append(str(operation)))
    found_in(*OURS)
    lists = sum(len(services()[name].lists) for name in OURS)
    planning = [each for each in seen if each in ("sts:GetCallerIdentity", "ec2:DescribeRegions")]
    policies = [each for each in seen if each == "schemas:GetResourcePolicy"]
    assert len(seen) - len(planning) - len(policies) == lists, sorted(seen)


@pytest.mark.parametrize("name", OURS)
def test_a_second_discovery_of_what_nobody_changed_finds_the_same(aws: SimulatedAws, name: str) -> None:
    assert [*map(repr, found_in(name))] == [*map(repr, found_in(name))]
