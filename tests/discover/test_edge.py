"""APIs, distributions, web ACLs and DNS, as they are in the simulated AWS."""

from __future__ import annotations

import json

from discover.world import discovered, ties
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws

EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders"
INVOKE = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


def test_a_rest_api_what_is_behind_it_and_its_stages(aws: SimulatedAws) -> None:
    gateway = aws.client("apigateway")
    policy = {"Version": "2012-10-17", "Statement": []}
    api = gateway.create_rest_api(name="shop", policy=json.dumps(policy), tags={"tier": "edge"})["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(
        restApiId=api,
        resourceId=root,
        httpMethod="GET",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=INVOKE,
        requestParameters={"integration.request.header.X-Key": "'hunter2'"},
    )
    gateway.create_authorizer(restApiId=api, name="who", type="TOKEN", authorizerUri=INVOKE)
    deployment = gateway.create_deployment(restApiId=api)["id"]
    gateway.create_stage(restApiId=api, stageName="live", deploymentId=deployment, variables={"password": "hunter2"})
    found = discovered("apigateway")
    assert found.not_evaluated == []
    uid = f"arn:aws:apigateway:{REGION}::/restapis/{api}"
    asset = found.get(uid)
    assert asset
    assert (asset.account, asset.name, asset.tags) == (ACCOUNT, "shop", {"tier": "edge"})
    assert asset.config["policy"] == policy
    assert asset.config["Resources"][0]["resourceMethods"]["GET"]["authorizationType"] == "NONE"
    assert ties(found, uid) == {("targets", FUNCTION), ("protected-by", FUNCTION)}
    stage = found.get(f"{uid}/stages/live")
    assert stage
    assert list(stage.config["variables"]) == ["password"]
    assert ("in", uid) in ties(found, stage.uid)
    assert "hunter2" not in str(list(found))


def test_a_policy_as_aws_gives_it() -> None:
    from sakimori.discover.services.apigateway import _policy

    policy = {"Version": "2012-10-17", "Statement": [{"Resource": "execute-api:/*"}]}
    inside = json.dumps(policy).replace('"', '\\"')
    assert _policy({"policy": inside})["policy"] == policy
    assert _policy({"policy": json.dumps(policy)})["policy"] == policy
    assert _policy({})["policy"] is None


def test_an_http_api(aws: SimulatedAws) -> None:
    gateway = aws.client("apigatewayv2")
    api = gateway.create_api(Name="shop", ProtocolType="HTTP", Tags={"tier": "edge"})["ApiId"]
    gateway.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=FUNCTION,
        RequestParameters={"append:header.key": "hunter2"},
    )
    gateway.create_route(ApiId=api, RouteKey="GET /", AuthorizationType="NONE")
    gateway.create_stage(ApiId=api, StageName="live", StageVariables={"password": "hunter2"})
    gateway.create_vpc_link(Name="inner", SubnetIds=["subnet-1"], SecurityGroupIds=["sg-1"])
    found = discovered("apigatewayv2")
    assert found.not_evaluated == []
    uid = f"arn:aws:apigateway:{REGION}::/apis/{api}"
    asset = found.get(uid)
    assert asset
    assert asset.tags == {"tier": "edge"}
    assert asset.config["Routes"][0]["AuthorizationType"] == "NONE"
    assert ("targets", FUNCTION) in ties(found, uid)
    assert ("in", uid) in ties(found, f"{uid}/stages/live")
    link = next(found.of_type("AWS::ApiGatewayV2::VpcLink"))
    assert {("in", f"{EC2}:subnet/subnet-1"), ("uses", f"{EC2}:security-group/sg-1")} <= ties(found, link.uid)
    assert "hunter2" not in str(list(found))


def test_domain_names_lead_to_their_apis(aws: SimulatedAws) -> None:
    gateway = aws.client("apigateway")
    api = gateway.create_rest_api(name="shop")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    deployment = gateway.create_deployment(restApiId=api)["id"]
    gateway.create_stage(restApiId=api, stageName="live", deploymentId=deployment)
    gateway.create_domain_name(domainName="shop.example", endpointConfiguration={"types": ["EDGE"]})
    gateway.create_base_path_mapping(domainName="shop.example", restApiId=api, stage="live")
    found = discovered("apigateway")
    assert found.not_evaluated == []
    name = f"arn:aws:apigateway:{REGION}::/domainnames/shop.example"
    assert ("targets", f"arn:aws:apigateway:{REGION}::/restapis/{api}") in ties(found, name)


def web_acl(aws: SimulatedAws, scope: str, rules: list[dict[str, object]]) -> str:
    visible = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
    made = aws.client("wafv2").create_web_acl(
        Name=f"acl-{scope.lower()}",
        Scope=scope,
        DefaultAction={"Allow": {}},
        Rules=[{**rule, "Priority": at, "VisibilityConfig": visible} for at, rule in enumerate(rules)],
        VisibilityConfig=visible,
        Tags=[{"Key": "tier", "Value": "edge"}],
    )
    return str(made["Summary"]["ARN"])


def test_a_distribution_its_origin_and_its_web_acl(aws: SimulatedAws) -> None:
    acl = web_acl(aws, "CLOUDFRONT", [])
    cloudfront = aws.client("cloudfront")
    control = cloudfront.create_origin_access_control(
        OriginAccessControlConfig={
            "Name": "ours",
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "s3",
        }
    )["OriginAccessControl"]["Id"]
    made = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": "one",
            "Comment": "",
            "Enabled": True,
            "WebACLId": acl,
            "Logging": {"Enabled": True, "IncludeCookies": False, "Bucket": "logs.s3.amazonaws.com", "Prefix": ""},
            "DefaultCacheBehavior": {"TargetOriginId": "pages", "ViewerProtocolPolicy": "https-only"},
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "pages",
                        "DomainName": "pages.s3.eu-west-1.amazonaws.com",
                        "OriginAccessControlId": control,
                        "CustomHeaders": {
                            "Quantity": 1,
                            "Items": [{"HeaderName": "X-Origin", "HeaderValue": "hunter2"}],
                        },
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
        }
    )["Distribution"]["ARN"]
    found = discovered("cloudfront")
    assert found.not_evaluated == []
    asset = found.get(made)
    assert asset
    assert (asset.account, asset.region) == (ACCOUNT, "global")
    assert asset.config["DistributionConfig"]["Logging"]["Enabled"] is True
    assert {
        ("targets", "arn:aws:s3:::pages"),
        ("protected-by", acl),
        ("logs-to", "arn:aws:s3:::logs"),
    } <= ties(found, made)
    assert found.get(f"arn:aws:cloudfront::{ACCOUNT}:origin-access-control/{control}")
    assert "hunter2" not in str(list(found))


def test_web_acls_of_regions_and_of_cloudfront(aws: SimulatedAws) -> None:
    waf = aws.client("wafv2")
    addresses = waf.create_ip_set(Name="office", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=["192.0.2.0/24"])[
        "Summary"
    ]["ARN"]
    inner = {"IPSetReferenceStatement": {"ARN": addresses}}
    rule = {"Name": "office", "Action": {"Block": {}}, "Statement": {"NotStatement": {"Statement": inner}}}
    acl = web_acl(aws, "REGIONAL", [rule])
    worldwide = web_acl(aws, "CLOUDFRONT", [])
    waf.put_logging_configuration(
        LoggingConfiguration={
            "ResourceArn": acl,
            "LogDestinationConfigs": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:aws-waf-logs-x"],
        }
    )
    ec2, elb = aws.client("ec2"), aws.client("elbv2")
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"][:2]]
    balancer = elb.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    waf.associate_web_acl(WebACLArn=acl, ResourceArn=balancer)
    found = discovered("wafv2", regions=("us-east-1", "eu-west-1"))
    assert found.not_evaluated == []
    asset = found.get(acl)
    assert asset
    assert asset.tags == {"tier": "edge"}
    assert asset.config["DefaultAction"] == {"Allow": {}}
    assert {
        ("uses", addresses),
        ("protects", balancer),
        ("logs-to", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:aws-waf-logs-x"),
    } == ties(found, acl)
    assert found.get(worldwide)
    sets = next(found.of_type("AWS::WAFv2::IPSet"))
    assert sets.config["Addresses"] == ["192.0.2.0/24"]


def test_zones_their_records_and_where_private_ones_answer(aws: SimulatedAws) -> None:
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    route53 = aws.client("route53")
    public = route53.create_hosted_zone(Name="shop.example", CallerReference="1")["HostedZone"]["Id"]
    route53.create_hosted_zone(
        Name="inner.example",
        CallerReference="2",
        VPC={"VPCRegion": REGION, "VPCId": vpc},
        HostedZoneConfig={"PrivateZone": True},
    )
    route53.change_tags_for_resource(
        ResourceType="hostedzone", ResourceId=public.rpartition("/")[2], AddTags=[{"Key": "tier", "Value": "dns"}]
    )
    record = {"Name": "www.shop.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    route53.change_resource_record_sets(
        HostedZoneId=public, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    found = discovered("route53")
    assert found.not_evaluated == []
    zone = f"arn:aws:route53:::{public.removeprefix('/')}"
    zones = {asset.name: asset for asset in found.of_type("AWS::Route53::HostedZone")}
    assert zones["shop.example."].uid == zone
    assert zones["shop.example."].tags == {"tier": "dns"}
    assert ties(found, zones["inner.example."].uid) == {("attached-to", f"{EC2}:vpc/{vpc}")}
    records = {asset.name: asset for asset in found.of_type("AWS::Route53::RecordSet") if "www" in asset.name}
    assert ties(found, next(iter(records.values())).uid) == {("in", zone)}


def test_resolver_endpoints_and_rules(aws: SimulatedAws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{zone}")
        for i, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName="dns", Description="x")["GroupId"]
    resolver = aws.client("route53resolver")
    endpoint = resolver.create_resolver_endpoint(
        CreatorRequestId="1",
        Name="out",
        SecurityGroupIds=[group],
        Direction="OUTBOUND",
        IpAddresses=[{"SubnetId": each["Subnet"]["SubnetId"]} for each in subnets],
    )["ResolverEndpoint"]
    rule = resolver.create_resolver_rule(
        CreatorRequestId="2",
        RuleType="FORWARD",
        DomainName="corp.example",
        Name="corp",
        TargetIps=[{"Ip": "192.0.2.53", "Port": 53}],
        ResolverEndpointId=endpoint["Id"],
    )["ResolverRule"]
    resolver.associate_resolver_rule(ResolverRuleId=rule["Id"], Name="corp", VPCId=vpc)
    found = discovered("route53resolver")
    assert found.not_evaluated == []
    assert {("in", f"{EC2}:vpc/{vpc}"), ("uses", f"{EC2}:security-group/{group}")} <= ties(found, endpoint["Arn"])
    assert ("attached-to", f"{EC2}:vpc/{vpc}") in ties(found, rule["Arn"])
    assert ("uses", endpoint["Arn"]) in ties(found, rule["Arn"])
