import numpy as np
import pytest
import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from trainer.losses import REGISTRY, load_loss, segmentation_loss
from trainer.settings import TrainerSettings

CROSS_ENTROPY = {"cross_entropy": 1.0}


def case(seed, classes=3, ignored=0.2, absent=None):
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, (2, 6, 6)).astype(np.uint8)
    if absent is not None:
        truth[truth == absent] = (absent + 1) % classes
    truth[random.random(truth.shape) < ignored] = CLASS_ID_IGNORED
    return truth, random.normal(0, 3, (2, 6, 6, classes)).astype(np.float32)


def probabilities_of(logits):
    exponents = np.exp(logits.astype(np.float64))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def reference_cross_entropy(truth, logits, weights=None, smoothing=0.0, gamma=0.0):
    """Pixel by pixel, as the definition says."""
    classes = logits.shape[-1]
    weights = weights or [1.0] * classes
    probabilities = probabilities_of(logits)
    total = weight = 0.0
    for place in np.argwhere(truth != CLASS_ID_IGNORED):
        label = truth[tuple(place)]
        target = np.full(classes, smoothing / classes)
        target[label] += 1 - smoothing
        doubt = 1 - probabilities[tuple(place)][label]
        total -= weights[label] * doubt**gamma * (target * np.log(probabilities[tuple(place)])).sum()
        weight += weights[label]
    return total / weight


def reference_dice(truth, logits):
    probabilities = probabilities_of(logits)
    counted = truth != CLASS_ID_IGNORED
    coefficients = []
    for label in range(logits.shape[-1]):
        true = truth[counted] == label
        predicted = probabilities[..., label][counted]
        if true.any():
            coefficients.append(2 * predicted[true].sum() / (predicted.sum() + true.sum()))
    return 1 - np.mean(coefficients)


def jaccard_loss(true, wrong):
    """One minus the IoU of a class whose pixels `wrong` are predicted wrongly, all others correctly."""
    predicted = true ^ wrong
    return 1 - (true & predicted).sum() / (true | predicted).sum()


def reference_lovasz(truth, logits):
    """The Lovász extension by its definition: the set of wrong pixels grows by one, the worst first."""
    counted = truth != CLASS_ID_IGNORED
    losses = []
    for label in range(logits.shape[-1]):
        true = truth[counted] == label
        if not true.any():
            continue
        errors = np.abs(true - probabilities_of(logits)[..., label][counted])
        wrong, before, loss = np.zeros_like(true), 0.0, 0.0
        for place in np.argsort(-errors):
            wrong[place] = True
            after = jaccard_loss(true, wrong)
            loss += errors[place] * (after - before)
            before = after
        losses.append(loss)
    return np.mean(losses)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(seed, classes, smoothing):
    truth, logits = case(seed, classes)
    expected = reference_cross_entropy(truth, logits, smoothing=smoothing)
    loss = segmentation_loss(truth, logits, label_smoothing=smoothing)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_cross_entropy_with_class_weights():
    truth, logits = case(7)
    weights = [0.3, 1.0, 4.0]
    expected = reference_cross_entropy(truth, logits, weights, smoothing=0.05)
    loss = segmentation_loss(truth, logits, class_weights=weights, label_smoothing=0.05)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize("absent", [None, 0, 2])
def test_dice_is_added_by_its_weight(absent):
    truth, logits = case(11, absent=absent)
    expected = reference_cross_entropy(truth, logits) + 0.5 * reference_dice(truth, logits)
    np.testing.assert_allclose(
        segmentation_loss(truth, logits, weights=CROSS_ENTROPY | {"dice": 0.5}), expected, rtol=1e-5
    )


def test_dice_of_a_perfect_prediction_is_zero():
    truth, _ = case(1)
    logits = 100 * tf.one_hot(truth, 3)
    np.testing.assert_allclose(
        segmentation_loss(truth, logits, weights=CROSS_ENTROPY | {"dice": 1.0}), 0, atol=1e-6
    )


@pytest.mark.parametrize("gamma", [0.5, 2.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_focal(gamma, smoothing):
    truth, logits = case(3)
    weights = [0.3, 1.0, 4.0]
    expected = reference_cross_entropy(truth, logits, weights, smoothing, gamma)
    loss = segmentation_loss(
        truth,
        logits,
        weights={"focal": 1.0},
        class_weights=weights,
        label_smoothing=smoothing,
        focal_gamma=gamma,
    )
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("absent", [None, 0, 2])
def test_lovasz_is_added_by_its_weight(seed, absent):
    truth, logits = case(seed, absent=absent)
    expected = reference_cross_entropy(truth, logits) + 0.7 * reference_lovasz(truth, logits)
    np.testing.assert_allclose(
        segmentation_loss(truth, logits, weights=CROSS_ENTROPY | {"lovasz_softmax": 0.7}), expected, rtol=1e-5
    )


def test_lovasz_of_confident_predictions_is_one_minus_their_mean_iou():
    truth, logits = case(5)
    counted = truth != CLASS_ID_IGNORED
    predicted = np.argmax(logits, -1)
    ious = [
        ((predicted == k) & (truth == k)).sum() / (counted & ((predicted == k) | (truth == k))).sum()
        for k in range(3)
    ]
    sure = 1e3 * tf.one_hot(predicted, 3)
    with_it, without = (
        segmentation_loss(truth, sure, weights=CROSS_ENTROPY | {"lovasz_softmax": weight})
        for weight in (1e3, 0.0)
    )
    np.testing.assert_allclose((with_it - without) / 1e3, 1 - np.mean(ious), rtol=1e-5)


def gradient_of(truth, logits):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = segmentation_loss(
            truth,
            logits,
            class_weights=[1, 2, 3],
            label_smoothing=0.1,
            weights={"focal": 1, "dice": 1, "lovasz_softmax": 1},
            focal_gamma=0.5,
        )
    return loss.numpy(), tape.gradient(loss, logits).numpy()


def test_ignored_pixels_have_no_part():
    truth, logits = case(4)
    ignored = truth == CLASS_ID_IGNORED
    loss, gradient = gradient_of(truth, logits)
    assert (gradient[ignored] == 0).all()
    assert (np.abs(gradient[~ignored]).sum(axis=-1) > 0).all()
    changed = np.where(ignored[..., None], -logits, logits)
    np.testing.assert_allclose(gradient_of(truth, changed)[0], loss, rtol=1e-6)


def test_all_ignored_is_zero_and_its_gradient_finite():
    truth, logits = case(4, ignored=1.1)
    loss, gradient = gradient_of(truth, logits)
    assert np.isfinite(loss)
    assert (gradient == 0).all()


@pytest.mark.parametrize("scale", [1e4, 1e30])
def test_huge_logits_keep_loss_and_gradient_finite(scale):
    truth, logits = case(4)
    loss, gradient = gradient_of(truth, logits * np.float32(scale))
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


def test_the_loss_of_half_precision_logits_is_float32():
    truth, logits = case(4)
    half = logits.astype(np.float16)
    both = CROSS_ENTROPY | {"dice": 0.5}
    loss = segmentation_loss(truth, half, weights=both)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, segmentation_loss(truth, half.astype(np.float32), weights=both))


@pytest.mark.parametrize("name", REGISTRY)
def test_every_loss_is_a_number_that_a_better_prediction_lowers(name):
    truth, _ = case(9)
    better, worse = (
        segmentation_loss(truth, scale * tf.one_hot(truth, 3), weights={name: 1.0}, focal_gamma=1.0)
        for scale in (2.0, 1.0)
    )
    assert worse.shape == ()
    assert better < worse


@pytest.mark.parametrize(
    ("settings", "losses"),
    [
        ({}, {"cross_entropy": 1.0, "dice": 0.5}),
        ({"focal_gamma": 2.0, "dice_weight": 0}, {"focal": 1.0}),
        ({"lovasz_weight": 0.3}, {"cross_entropy": 1.0, "dice": 0.5, "lovasz_softmax": 0.3}),
        ({"loss_weights": {"cross_entropy": 0, "dice": 2}}, {"dice": 2.0}),
    ],
)
def test_settings_weigh_losses_by_name(settings, losses):
    assert TrainerSettings(**settings).losses == losses


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss_weights": {"dise": 1}}, "must name losses; received 'dise'; known are cross_entropy, focal"),
        (
            {"loss_weights": {"cross_entropy": 0}, "dice_weight": 0},
            "leave at least one loss a weight above 0",
        ),
        (
            {"loss_weights": {"lovasz_softmax": 1}, "distribution": "mirrored"},
            "lovasz_weight must be 0 unless trainer.distribution is none",
        ),
    ],
)
def test_weights_that_cannot_be_are_refused(settings, message):
    assert not load_loss("dice").one_device_only
    with pytest.raises(ValueError, match=message):
        TrainerSettings(**settings)
