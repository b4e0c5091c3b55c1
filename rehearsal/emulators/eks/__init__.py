"""The provider that stands in for pulumi-eks: components that register the children of the real ones."""
