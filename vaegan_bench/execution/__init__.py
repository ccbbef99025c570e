"""One way to run a study: train and measure every run that is not finished, and record it."""
