"""The 37 breeds of the Oxford-IIIT Pet data set and what a drawing of each looks like."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Breed:
    """What makes a breed recognizable.

    Attributes:
        name: Official name, as in file names; cats begin with a capital letter.
        coats: Pairs of palette colors, base and markings; each animal has one of the pairs.
        pattern: Where the markings are; see `coats.markings`.
        ears: `pointed`, `bat`, `folded` (half up) or `floppy`.
        hair: Length of the hair, 0 (bare) to 1 (a ball of fluff).
        snout: Length of the snout, 0 (flat) to 1.
        bib: Whether chest, paws and muzzle are white.
    """

    name: str
    coats: tuple[tuple[str, str], ...]
    pattern: str
    ears: str
    hair: float
    snout: float
    bib: bool = False

    @cached_property
    def species(self) -> str:
        """`cat` or `dog`: official names of cats begin with a capital letter."""
        return "cat" if self.name[0].isupper() else "dog"


def _cat(name: str, coats: str, pattern: str, hair: float, bib: bool = False, ears: str = "pointed") -> Breed:
    return Breed(name, _pairs(coats), pattern, ears, hair, 0.2, bib)


def _dog(
    name: str, coats: str, pattern: str, ears: str, hair: float, snout: float, bib: bool = False
) -> Breed:
    return Breed(name, _pairs(coats), pattern, ears, hair, snout, bib)


def _pairs(coats: str) -> tuple[tuple[str, str], ...]:
    return tuple((base, marks) for base, marks in (pair.split("/") for pair in coats.split()))


BREEDS: tuple[Breed, ...] = (
    _cat("Abyssinian", "tan/red fawn/orange", "ticked", 0.1),
    _dog("american_bulldog", "white/tan white/charcoal", "patches", "folded", 0.0, 0.4),
    _dog(
        "american_pit_bull_terrier",
        "gray/charcoal brown/chocolate red/brown",
        "brindle",
        "folded",
        0.0,
        0.5,
        True,
    ),
    _dog("basset_hound", "white/brown white/orange", "saddle", "floppy", 0.0, 0.8, True),
    _dog("beagle", "tan/charcoal orange/black", "saddle", "floppy", 0.0, 0.6, True),
    _cat("Bengal", "tan/chocolate orange/chocolate silver/charcoal", "spots", 0.1),
    _cat("Birman", "cream/brown white/gray", "points", 0.7, True),
    _cat("Bombay", "black/charcoal", "solid", 0.1),
    _dog("boxer", "tan/brown orange/chocolate", "mask", "folded", 0.0, 0.3, True),
    _cat("British_Shorthair", "blue/gray gray/charcoal cream/fawn", "solid", 0.3),
    _dog("chihuahua", "fawn/tan black/tan cream/fawn", "solid", "bat", 0.1, 0.4),
    _cat("Egyptian_Mau", "silver/charcoal gray/black", "spots", 0.1),
    _dog("english_cocker_spaniel", "orange/red black/charcoal white/blue", "solid", "floppy", 0.6, 0.6),
    _dog("english_setter", "white/charcoal white/orange", "spots", "floppy", 0.6, 0.8),
    _dog("german_shorthaired", "white/chocolate brown/chocolate", "spots", "floppy", 0.0, 0.8),
    _dog("great_pyrenees", "white/cream", "solid", "floppy", 0.9, 0.6),
    _dog("havanese", "white/fawn cream/brown black/white", "patches", "floppy", 0.9, 0.3),
    _dog("japanese_chin", "white/black white/red", "patches", "floppy", 0.7, 0.1),
    _dog("keeshond", "gray/charcoal silver/black", "mask", "pointed", 0.9, 0.5),
    _dog("leonberger", "tan/chocolate red/black", "mask", "floppy", 0.8, 0.7),
    _cat("Maine_Coon", "brown/chocolate tan/charcoal orange/red", "tabby", 0.9),
    _dog("miniature_pinscher", "black/tan red/brown", "tips", "bat", 0.0, 0.6),
    _dog("newfoundland", "black/charcoal chocolate/brown", "solid", "floppy", 0.8, 0.6),
    _cat("Persian", "white/cream cream/orange gray/silver", "solid", 1.0),
    _dog("pomeranian", "orange/cream cream/white", "solid", "pointed", 1.0, 0.3),
    _dog("pug", "fawn/black black/charcoal", "mask", "folded", 0.0, 0.1),
    _cat("Ragdoll", "cream/chocolate white/blue", "points", 0.8, True),
    _cat("Russian_Blue", "blue/silver", "solid", 0.1),
    _dog("saint_bernard", "white/red white/brown", "patches", "floppy", 0.6, 0.6, True),
    _dog("samoyed", "white/cream", "solid", "pointed", 1.0, 0.5),
    _dog("scottish_terrier", "black/charcoal charcoal/gray", "brindle", "pointed", 0.8, 0.8),
    _dog("shiba_inu", "orange/white red/cream", "tips", "pointed", 0.4, 0.5, True),
    _cat("Siamese", "cream/chocolate white/charcoal", "points", 0.0),
    _cat("Sphynx", "pink/fawn pink/gray", "solid", 0.0, ears="bat"),
    _dog(
        "staffordshire_bull_terrier", "charcoal/gray brown/red blue/gray", "brindle", "folded", 0.0, 0.4, True
    ),
    _dog("wheaten_terrier", "fawn/tan cream/fawn", "solid", "folded", 0.9, 0.6),
    _dog("yorkshire_terrier", "tan/charcoal fawn/blue", "saddle", "pointed", 0.9, 0.3),
)


def class_id(breed: Breed) -> int:
    """The official number of a breed among all breeds, 1 to 37."""
    return BREEDS.index(breed) + 1


def breed_id(breed: Breed) -> int:
    """The official number of a breed among those of its species: 1 to 12 for cats, 1 to 25 for dogs."""
    return [other for other in BREEDS if other.species == breed.species].index(breed) + 1


def in_turn() -> list[Breed]:
    """All breeds; every third is a cat while cats are left, so that a small sample has both species."""
    cats = [breed for breed in BREEDS if breed.species == "cat"]
    dogs = [breed for breed in BREEDS if breed.species == "dog"]
    order: list[Breed] = []
    while cats or dogs:
        order += cats[:1] + dogs[:2]
        cats, dogs = cats[1:], dogs[2:]
    return order
