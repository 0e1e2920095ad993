"""The TFMA metric of segmentation: any metric of `petseg.metrics.registry`, from summed counts."""
