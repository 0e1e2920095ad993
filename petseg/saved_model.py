"""Names of the folders and files in an exported model: what Trainer writes and other nodes read."""

SERVING_FOLDER = "Format-Serving"
"""Folder of the SavedModel in TFX's Model artifact."""

EXTRA_FOLDER = "assets.extra"
"""Folder in the SavedModel that TensorFlow copies but does not read."""

WEIGHTS_FILE = "model.weights.h5"
SETTINGS_FILE = "settings.json"
STATISTICS_FILE = "statistics.pb"
REFERENCE_FILE = "reference.npz"
MODEL_CARD_FILE = "model_card.md"
