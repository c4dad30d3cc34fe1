"""From a picture to its matte: sizes of passes, enlarging, steadying."""
