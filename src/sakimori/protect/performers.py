"""Who does which task: functions by the task's type. A type that is in neither is passed to the agent as it is."""

from __future__ import annotations

from collections.abc import Mapping

from sakimori.protect import scans
from sakimori.protect.work import Performer, Reader

PERFORMERS: Mapping[str, Performer] = {"scan-for-recommendations": scans.recommended_here}
"""Done here, from the description of the host, when no agent is there to do it."""

READERS: Mapping[str, Reader] = {
    "scan-for-recommendations": scans.recommended_by_agent,
    "scan-for-integrity-changes": scans.integrity_by_agent,
    "scan-for-malware": scans.malware_by_agent,
}
"""What an agent's answer to a task means; for a type without one, the answer's `events` and `host` are kept."""
