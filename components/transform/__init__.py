"""TFX's Transform, made quick for pixels."""
