"""Training InSPyReNet: data sets, augmentations, losses, schedule and the loop (extra ``train``)."""
