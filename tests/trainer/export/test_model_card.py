import yaml

from trainer.export.model_card import model_card

HISTORY = [
    {"epoch": 1, "mean_iou": 0.5, "iou": {"first": 0.5, "second": 0.5, "third": None}},
    {"epoch": 2, "mean_iou": 0.7, "iou": {"first": 0.6, "second": 0.8, "third": None}},
    {"epoch": 3, "mean_iou": 0.6, "iou": {"first": 0.6, "second": 0.6, "third": None}},
]


def test_card_has_the_hubs_header_and_the_best_epochs_metrics(tiny_settings):
    card = model_card(tiny_settings(), HISTORY, train_pairs=80, eval_pairs=20)
    _, header, page = card.split("---\n", 2)
    fields = yaml.safe_load(header)
    assert fields["license"] == "apache-2.0"
    assert fields["pipeline_tag"] == "image-segmentation"
    (model,) = fields["model-index"]
    assert model["results"][0]["metrics"] == [{"type": "mean_iou", "name": "mean IoU", "value": 0.7}]
    assert "first, second, third" in page
    assert "of epoch 2" in page
    assert "| second | 0.8000 |" in page
    assert "| third | absent |" in page
