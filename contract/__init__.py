"""Names that the program, the release tool and the pipelines share. Imports the standard library only."""
