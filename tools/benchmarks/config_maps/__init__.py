"""A program of bare ConfigMaps: what Pulumi itself takes for so many resources."""
