"""Emulator of the provider `eks`: components that register the same children as those of pulumi-eks."""
