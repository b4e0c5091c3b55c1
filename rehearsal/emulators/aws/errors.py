"""What the account answers when it refuses a call."""


class AwsError(Exception):
    """A refusal with AWS's own error code and words.

    Attributes:
        code: AWS's error code, e.g. `InvalidSubnet.Conflict`.
        message: AWS's sentence for it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
