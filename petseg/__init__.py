"""What every package may use; imports none of the others."""
