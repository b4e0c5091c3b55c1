"""What a person is told when a rehearsal cannot go on."""


class RehearsalError(Exception):
    """A failure with a remedy: what is wrong, and what to do.

    Attributes:
        problem: What is wrong, and where (tool, file, object).
        remedy: What the reader can do about it.
    """

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem}\n  What to do: {remedy}")
        self.problem = problem
        self.remedy = remedy
