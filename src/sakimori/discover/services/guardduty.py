"""GuardDuty: whether it is on in the region, and with which features."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, arn

STATUS = Resource("AWS::GuardDuty::Status", items="", arn=arn("guardduty", "status"))
"""The region's detectors in one asset, that there is even if GuardDuty was never turned on: then there are none."""

DETECTOR = Resource(
    "AWS::GuardDuty::Detector",
    items="DetectorIds[]",
    scalar="DetectorId",
    arn=arn("guardduty", "detector/{DetectorId}"),
    details=(Detail(operation="GetDetector", parameters={"DetectorId": "{DetectorId}"}),),
)

SERVICE = Service(client="guardduty", lists=(Listing(operation="ListDetectors", gives=(STATUS, DETECTOR)),))
