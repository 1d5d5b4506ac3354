"""An item of an answer, with its details, as an asset and its relations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.discover.declare import Item, Place, Resource, document
from sakimori.discover.paths import Scope, fill, find
from sakimori.model.asset import Asset, Relation


def to_asset(resource: Resource, item: Item, parent: Item | None, place: Place) -> tuple[Asset, list[Relation]] | None:
    """The asset that an item is; None if the item does not hold what its ARN is made of. Changes the item."""
    for path in resource.documents:
        _decode(item, path)
    config = resource.shape(item) if resource.shape else item
    scope = Scope(config, place.values(), parent)
    uid = fill(resource.arn, scope)
    if not isinstance(uid, str) or uid.count(":") < 5:
        return None
    tags = to_tags(find(config, resource.tags))
    region = (fill(resource.region, scope) if resource.region else None) or place.region
    name = (fill(resource.name, scope) if resource.name else None) or tags.get("Name", "")
    owner = uid.split(":", 5)[4]
    account = owner if owner.isdigit() else place.account
    asset = Asset(uid, resource.type, account, region, config, tags, str(name))
    relations = [
        found
        for relation in resource.relations
        for found in (relation if callable(relation) else relation.relations)(asset, place)
    ]
    return asset, relations


def _decode(item: Item, path: str) -> None:
    """JSON text at the path becomes the object; the maps on the way are copied, for answers are shared."""
    head, _, rest = path.partition(".")
    if not isinstance(item.get(head), (str, dict)):
        return
    if rest:
        if isinstance(item[head], dict):
            item[head] = dict(item[head])
            _decode(item[head], rest)
    else:
        item[head] = document(item[head])


TAG_KEYS = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"))
"""How services spell a tag."""


def to_tags(value: Any) -> dict[str, str]:
    """Tags in any of AWS's spellings: a map, or a list of Key and Value, key and value, TagKey and TagValue."""
    if isinstance(value, Mapping):
        return {str(key): str(text) for key, text in value.items()}
    tags = {}
    for tag in value if isinstance(value, list) else ():
        for key, text in TAG_KEYS:
            if isinstance(tag, Mapping) and key in tag:
                tags[str(tag[key])] = str(tag.get(text) or "")
    return tags
