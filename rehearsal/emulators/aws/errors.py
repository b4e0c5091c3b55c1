"""AWS's errors."""


class AwsError(Exception):
    """An error with AWS's code, e.g. `InvalidSubnet.Conflict`, and AWS's message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
