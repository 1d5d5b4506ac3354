"""One file an action: one change to the outside world, with its permissions, its proof and its way back."""
