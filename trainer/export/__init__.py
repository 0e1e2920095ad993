"""What a trained model becomes: signatures, counts, model card."""
