"""What makes the data of the bundled model from photos: backbones, soft labels."""
