"""From a matte to a result: colours, backgrounds, crop."""
