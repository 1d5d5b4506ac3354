"""Network Firewall: firewalls with their endpoints in subnets, their policies and rule groups."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn

FIREWALL = Resource(
    "AWS::NetworkFirewall::Firewall",
    items="Firewalls[]",
    arn="{FirewallArn}",
    name="{FirewallName}",
    tags="Firewall.Tags",
    details=(Detail(operation="DescribeFirewall", parameters={"FirewallArn": "{FirewallArn}"}),),
    relations=(
        Tie("in", "Firewall.VpcId", arn("ec2", "vpc/{}")),
        Tie("in", "Firewall.SubnetMappings[].SubnetId", arn("ec2", "subnet/{}")),
        Tie("uses", "Firewall.FirewallPolicyArn"),
    ),
    moving=("FirewallStatus.CapacityUsageSummary",),
)

POLICY = Resource(
    "AWS::NetworkFirewall::FirewallPolicy",
    items="FirewallPolicies[]",
    arn="{Arn}",
    name="{Name}",
    tags="FirewallPolicyResponse.Tags",
    details=(Detail(operation="DescribeFirewallPolicy", parameters={"FirewallPolicyArn": "{Arn}"}),),
    relations=(
        Tie("uses", "FirewallPolicy.StatelessRuleGroupReferences[].ResourceArn"),
        Tie("uses", "FirewallPolicy.StatefulRuleGroupReferences[].ResourceArn"),
    ),
)

RULE_GROUP = Resource(
    "AWS::NetworkFirewall::RuleGroup",
    items="RuleGroups[]",
    arn="{Arn}",
    name="{Name}",
    tags="RuleGroupResponse.Tags",
    details=(Detail(operation="DescribeRuleGroup", parameters={"RuleGroupArn": "{Arn}"}),),
    ordered=("RuleGroup.RulesSource.StatefulRules",),
)

SERVICE = Service(
    client="network-firewall",
    lists=(
        Listing(operation="ListFirewalls", page_size=100, gives=(FIREWALL,)),
        Listing(operation="ListFirewallPolicies", page_size=100, gives=(POLICY,)),
        Listing(operation="ListRuleGroups", page_size=100, gives=(RULE_GROUP,)),
    ),
)
