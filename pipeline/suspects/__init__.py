"""`petseg suspects`: examples whose labels a trained model disagrees with most."""
