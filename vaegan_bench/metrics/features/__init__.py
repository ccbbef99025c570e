"""Features of images as metrics take them: checked, and compared in pairs."""
