"""Drift of each split against the data of the model in production, by the schema's comparators."""

from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from petseg.drift import LEAST_EXAMPLES, Distance, distances


@dataclass(frozen=True)
class FeatureDrift:
    """Drift of one feature.

    Attributes:
        feature: Its name.
        measure: `L-infinity` (the largest change of one value's share) for categories, `Jensen-Shannon`
            divergence of the histograms for numbers.
        threshold: The largest distance that the schema allows.
        distances: In 0 to 1, by split.
    """

    feature: str
    measure: str
    threshold: float
    distances: dict[str, float]

    @property
    def drifted(self) -> bool:
        """Whether the distance of a split is above the threshold."""
        return any(distance > self.threshold for distance in self.distances.values())


@dataclass(frozen=True)
class Drift:
    """The data of a run against that of the model in production.

    Attributes:
        splits: Splits with enough photos in both to tell drift from chance.
        too_small: The other splits that are in both.
        features: Features that are in both and that the schema compares, by name.
        one_sided: Features that are in only one of the two.
    """

    splits: list[str]
    too_small: list[str]
    features: list[FeatureDrift]
    one_sided: list[str]

    @property
    def drifted(self) -> list[str]:
        """Names of the features that drifted."""
        return list(dict.fromkeys(one.feature for one in self.features if one.drifted))


def measure_drift(
    before: DatasetFeatureStatisticsList, now: DatasetFeatureStatisticsList, schema: schema_pb2.Schema
) -> Drift:
    """Measures each feature's distance in each split.

    Args:
        before: Of the data of the model in production: one dataset for each split, named after it.
        now: Of the run's data, in the same form.
        schema: Of the run's data; its drift and skew comparators say what to measure and set the thresholds.
    """
    datasets = [{dataset.name: dataset for dataset in one.datasets} for one in (before, now)]
    shared = [name for name in datasets[1] if name in datasets[0]]
    sizes = {name: min(one[name].num_examples for one in datasets) for name in shared}
    splits = [name for name in shared if sizes[name] >= LEAST_EXAMPLES]
    found: dict[tuple[str, str], dict[str, Distance]] = {}
    for split in splits:
        for distance in distances(datasets[1][split], datasets[0][split], schema):
            found.setdefault((distance.feature, distance.comparator), {})[split] = distance
    features = [
        FeatureDrift(
            feature=name,
            measure=next(iter(by_split.values())).measure,
            threshold=next(iter(by_split.values())).threshold,
            distances={split: distance.value for split, distance in by_split.items()},
        )
        for (name, _), by_split in sorted(found.items())
    ]
    too_small = [name for name in shared if name not in splits]
    return Drift(splits, too_small, features, sorted(_names(before) ^ _names(now)))


def _names(statistics: DatasetFeatureStatisticsList) -> set[str]:
    return {feature.path.step[0] for dataset in statistics.datasets for feature in dataset.features}
