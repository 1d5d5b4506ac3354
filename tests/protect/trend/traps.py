"""The ways in which Trend's SDK and its users are loose, tried on a manager: `traps.py URL KEY CA`.

Prints, in JSON, what each trap did. Runs in the environment that `tools/trend-sdk.sh` makes.
"""

from __future__ import annotations

import json
import sys

import deepsecurity as sdk
import deepsecurity.models as models
import urllib3
from deepsecurity.rest import ApiException


def client(url: str, key: str, ca: str | None, *, verify: bool = True) -> sdk.ApiClient:
    configuration = sdk.Configuration()
    configuration.host = f"{url}/api"
    configuration.api_key["api-secret-key"] = key
    configuration.verify_ssl = verify
    configuration.ssl_ca_cert = ca
    return sdk.ApiClient(configuration)


def refused(call) -> ApiException:
    try:
        call()
    except ApiException as error:
        return error
    raise AssertionError("was not refused")


def traps(url: str, key: str, ca: str) -> dict:
    own = client(url, key, ca)
    rules, computers = sdk.IntrusionPreventionRulesApi(own), sdk.ComputersApi(own)
    found: dict = {}

    bare = models.SearchCriteria(field_name="name", string_test="equal", string_value="%")
    filter = models.SearchFilter(max_items=3, search_criteria=bare)
    found["bare criterion"] = len(
        rules.search_intrusion_prevention_rules("v1", search_filter=filter).intrusion_prevention_rules
    )

    filter = models.SearchFilter(max_items=3, search_criteria=[bare], sort_by_object_id="true")
    found["text boolean"] = len(
        rules.search_intrusion_prevention_rules("v1", search_filter=filter).intrusion_prevention_rules
    )

    found["empty body"] = len(computers.search_computers("v1", expand=["none"], overrides=False).computers)

    for cves in (["CVE-2016-721"], ["CVE-2016-7214"], ["CVE-2016-721", "CVE-2021-44228"]):
        rules.create_intrusion_prevention_rule(models.IntrusionPreventionRule(name=f"for {cves}", cve=cves), "v1")
    wild = models.SearchCriteria(field_name="CVE", string_test="equal", string_value="%CVE-2016-721%")
    listed = rules.search_intrusion_prevention_rules("v1", search_filter=models.SearchFilter(search_criteria=[wild]))
    found["wildcard CVE"] = sorted(str(each.cve) for each in listed.intrusion_prevention_rules)

    made = computers.create_computer(models.Computer(host_name="trap"), "v1", expand=["all"], overrides=False)
    found["enum values"] = [made.computer_status.agent_status, made.intrusion_prevention.state]

    status = refused(lambda: computers.describe_computer(10**9, "v1", expand=["none"]))
    found["message"] = [status.status, json.loads(status.body)]

    pages, last = [], 0
    while True:
        after = models.SearchCriteria(id_test="greater-than", id_value=last)
        filter = models.SearchFilter(max_items=7, search_criteria=[after], sort_by_object_id=True)
        page = rules.search_intrusion_prevention_rules("v1", search_filter=filter).intrusion_prevention_rules
        if not page:
            break
        pages.append(len(page))
        last = page[-1].id
    found["pages"] = [
        sum(pages),
        max(pages),
        len(rules.list_intrusion_prevention_rules("v1").intrusion_prevention_rules),
    ]

    other = client(url, "", ca)
    other.set_default_header("Authorization", f"ApiKey {key}")
    found["Authorization"] = len(sdk.ComputersApi(other).list_computers("v1", expand=["none"]).computers)

    found["no key"] = refused(lambda: sdk.PoliciesApi(client(url, "", ca)).list_policies("v1")).status
    wrong = key[:-4] + "AAAA"
    found["wrong key"] = refused(lambda: sdk.PoliciesApi(client(url, wrong, ca)).list_policies("v1")).status

    try:
        sdk.PoliciesApi(client(url, key, None)).list_policies("v1")
    except urllib3.exceptions.MaxRetryError as error:
        found["unknown authority"] = type(error.reason).__name__

    statuses, retry = [], None
    for _ in range(300):
        try:
            # A POST: with GET the SDK itself waits as Retry-After says, and asks again.
            computers.search_computers("v1", expand=["none"])
            statuses.append(200)
        except ApiException as error:
            statuses.append(error.status)
            retry = [error.headers["Retry-After"], json.loads(error.body)["message"]]
            break
    found["429"] = [statuses[-1], retry]
    return found


if __name__ == "__main__":
    print(json.dumps(traps(*sys.argv[1:4])))
