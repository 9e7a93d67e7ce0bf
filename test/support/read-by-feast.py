"""Reads features as a user of Feast does: `read-by-feast.py REQUESTS`. Prints what each request gives, as JSON."""

import json
import sys

from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Array, Float64, Int64, String
from feast.value_type import ValueType


def told(response):
    names = list(response.proto.metadata.feature_names.val)
    values = response.to_dict()
    return {
        "names": names,
        "values": values,
        "types": {name: sorted({type(value).__name__ for value in column}) for name, column in values.items()},
        "statuses": {
            name: [FieldStatus.Name(status) for status in result.statuses]
            for name, result in zip(names, response.proto.results)
        },
        "versions": [[view.name, view.version] for view in response.proto.metadata.feature_view_metadata],
    }


def read(request):
    store = FeatureStore(repo_path=request.pop("repository"))
    service = request.pop("service", None)
    features = FeatureService(name=service, features=[]) if service else request.pop("features")
    return told(store.get_online_features(features=features, **request))


def read_as_older_releases(store, users):
    """They ask once for each feature view, and know the types of its features."""
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
    fields = {
        "user_account_age_days": Int64,
        "user_purchase_count_lifetime": Int64,
        "user_category_top3_lifetime": Array(String),
    }
    view = FeatureView(
        name="loyalty",
        entities=[user],
        schema=[Field(name="user_id", dtype=String)] + [Field(name=name, dtype=dtype) for name, dtype in fields.items()],
        source=FileSource(path="unused.parquet", timestamp_field="at"),
    )
    keys = [EntityKey(join_keys=["user_id"], entity_values=[Value(string_val=each)]) for each in users]
    provider = store._get_provider()
    rows = provider.online_store.online_read(store.config, view, keys, list(fields))
    return [
        {name: (list(getattr(value, kind).val) if "list" in kind else getattr(value, kind)) if (kind := value.WhichOneof("val")) else None for name, value in row.items()}
        for _, row in rows
    ]


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        asked = json.load(file)
    answers = []
    for each in asked["requests"]:
        try:
            answers.append(read(each))
        except Exception as error:
            answers.append({"error": f"{type(error).__name__}: {error}"})
    print(json.dumps({"answers": answers, "older": read_as_older_releases(FeatureStore(repo_path=asked["repository"]), asked["users"])}))
