"""Names of the folders and files in an exported model: what Trainer writes and other nodes read."""

SERVING_FOLDER = "Format-Serving"
"""Folder of the SavedModel in TFX's Model artifact."""

EXTRA_FOLDER = "assets.extra"
"""Folder in the SavedModel that TensorFlow copies but does not read."""

WEIGHTS_FILE = "model.weights.h5"
"""The weights of the Keras model."""

SETTINGS_FILE = "settings.json"
"""The settings that the model was trained with."""

MODEL_SETTINGS = f"{EXTRA_FOLDER}/{SETTINGS_FILE}"
"""Their path in a SavedModel. No other SavedModel has such a file."""

CLASSES_FILE = "classes.json"
"""The class table for clients: `[{"id", "value", "name", "color"}]`; masks hold values."""

STATISTICS_FILE = "statistics.pb"
"""Statistics of the training data, which DatasetGate compares later data with."""

REFERENCE_FILE = "reference.npz"
"""Eval photos with the trainer's own predictions, which ServingCheck compares the served ones with."""

MODEL_CARD_FILE = "model_card.md"
"""The model card."""

EXPORT_FILE = "export.json"
"""`{"version": EXPORT_VERSION, "device"}`: what it was trained on; the first release did not write it."""

EXPORT_VERSION = 3
"""Tells later versions what the signatures of an exported model can do.

1: the first release's signatures.
2: the signatures obey a JPEG's EXIF orientation.
3: `serving_default` answers masks of values as `mask_png_bytes`; before, `mask_png` held class ids.
"""
