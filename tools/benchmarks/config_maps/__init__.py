"""A Pulumi program of bare ConfigMaps, to measure Pulumi's own cost per resource."""
