"""How far the data moved from the data of the model in production, by TFDV's own distances."""

from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from components.drift import Distance, distances


@dataclass(frozen=True)
class FeatureDrift:
    """How far one feature moved.

    Attributes:
        feature: Its name.
        measure: `L-infinity` (the largest change of one value's share) for categories, `Jensen-Shannon`
            divergence of the histograms for numbers.
        distances: In 0 to 1, by split.
        drifted: Whether one of them is above the threshold.
    """

    feature: str
    measure: str
    distances: dict[str, float]
    drifted: bool


@dataclass(frozen=True)
class Drift:
    """The data of a run against that of the model in production.

    Attributes:
        splits: Splits that both have.
        features: Features that both have, by name.
        one_sided: Features that only one of the two has.
    """

    splits: list[str]
    features: list[FeatureDrift]
    one_sided: list[str]

    @property
    def drifted(self) -> list[str]:
        """Features that moved further than the threshold."""
        return [one.feature for one in self.features if one.drifted]


def measure_drift(
    before: DatasetFeatureStatisticsList, now: DatasetFeatureStatisticsList, threshold: float
) -> Drift:
    """Measures each feature's distance in each split.

    Args:
        before: Of the data of the model in production: one dataset a split, named after it.
        now: Of the run's data, likewise.
        threshold: Distance above which a feature counts as drifted.
    """
    datasets = [{dataset.name: dataset for dataset in one.datasets} for one in (before, now)]
    splits = [name for name in datasets[1] if name in datasets[0]]
    kinds = [_kinds(one) for one in (before, now)]
    common = {name: kind for name, kind in kinds[1].items() if kinds[0].get(name) == kind}
    schema = _schema(common, threshold)
    found: dict[str, dict[str, Distance]] = {}
    for split in splits:
        for distance in distances(datasets[1][split], datasets[0][split], schema):
            found.setdefault(distance.feature, {})[split] = distance
    features = [
        FeatureDrift(
            feature=name,
            measure=next(iter(by_split.values())).measure,
            distances={split: distance.value for split, distance in by_split.items()},
            drifted=any(distance.drifted for distance in by_split.values()),
        )
        for name, by_split in sorted(found.items())
    ]
    return Drift(splits, features, sorted((kinds[0].keys() | kinds[1].keys()) - common.keys()))


def _kinds(statistics: DatasetFeatureStatisticsList) -> dict[str, str]:
    """Whether each feature is numbers or strings, of all splits."""
    return {
        feature.path.step[0]: feature.WhichOneof("stats")
        for dataset in statistics.datasets
        for feature in dataset.features
    }


def _schema(kinds: dict[str, str], threshold: float) -> schema_pb2.Schema:
    """Asks TFDV for nothing but the distances."""
    schema = schema_pb2.Schema()
    for name, kind in kinds.items():
        numbers = kind == "num_stats"
        feature = schema.feature.add(name=name, type=schema_pb2.FLOAT if numbers else schema_pb2.BYTES)
        comparator = feature.drift_comparator
        (comparator.jensen_shannon_divergence if numbers else comparator.infinity_norm).threshold = threshold
    return schema
