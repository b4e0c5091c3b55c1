"""The error of a rehearsal."""


class RehearsalError(Exception):
    """A failure with a remedy.

    Attributes:
        problem: What is wrong, and where (tool, file, object).
        remedy: What the user can do about it.
    """

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem}\n  What to do: {remedy}")
        self.problem = problem
        self.remedy = remedy
