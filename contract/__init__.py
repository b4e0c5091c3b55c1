"""Names that the program, the release tool and the pipelines agree on. Standard library only."""
