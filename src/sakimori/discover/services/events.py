"""EventBridge: event buses, and who may put events on them or make rules there."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service

BUS = Resource("AWS::Events::EventBus", items="EventBuses[]", arn="{Arn}", name="{Name}", documents=("Policy",))

SERVICE = Service(client="events", lists=(Listing(operation="ListEventBuses", gives=(BUS,)),))
