"""What a run leaves: its folder, history, comparison, lineage and progress."""
