"""`python -m tools.costs STACK…`: what each stack costs a month before anybody uses it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import config
from pipelines.costs import NOT_INCLUDED, PRICES, Item, Prices, items, one_more
from tools.program.run import CHECKOUT, PROGRAM, config_of, run


def costs(
    stacks: Annotated[list[str], typer.Argument(help="Stacks, by the names of their files.")],
    prices: Annotated[Path, typer.Option(help="A table of a region's prices.")] = PRICES,
    folder: Annotated[Path, typer.Option("--stacks", help="The folder of the stack files.")] = CHECKOUT,
) -> None:
    """Print what AWS charges a month for what each stack creates, by part, in US dollars."""
    table = Prices.read(prices)
    console = Console()
    for stack in stacks:
        file = folder / f"Pulumi.{stack}.yaml"
        if not file.is_file():
            sys.exit(f"error: there is no stack {stack}: {file} does not exist")
        try:
            graph = run(PROGRAM, stack=stack, settings=config_of(file), preview=False)
        except config.SettingsError as error:
            sys.exit(f"error: {error}")
        found = list(items(graph.resources.values(), table))
        console.print(_table(stack, found))
        console.print("\nOne more would add a month:")
        for what, month in one_more(found).items():
            console.print(f"  {month:6.0f}  {what}", highlight=False)
        console.print()
    about = f"Prices of {table.region}, {table.date} ({prices.name}); other regions cost up to a third more."
    console.print(about, highlight=False)
    console.print("Not included:", *(f"  - {line}" for line in NOT_INCLUDED), sep="\n", highlight=False)


def _table(stack: str, found: list[Item]) -> Table:
    table = Table(title=f"Stack {stack}, US dollars a month", title_justify="left", box=None, pad_edge=False)
    for column, justify in (
        ("part", "left"),
        ("what", "left"),
        ("number", "right"),
        ("each", "right"),
        ("month", "right"),
    ):
        table.add_column(column, justify=justify)  # pyright: ignore[reportArgumentType] - as narrow as rich's own
    for item in found:
        each = "no price" if item.each is None else f"{item.each:.2f}"
        table.add_row(item.part, item.what, f"{item.number:g}", each, f"{item.month:.0f}")
    table.add_section()
    table.add_row("all", "", "", "", f"{sum(item.month for item in found):.0f}", style="bold")
    return table


if __name__ == "__main__":
    typer.run(costs)
