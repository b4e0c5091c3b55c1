"""A Jenkinsfile as a tree of calls, by tree-sitter's Groovy grammar; and what a declarative pipeline may hold.

Jenkins' own validator is not in a registry of packages. It too works on Groovy's syntax tree; which sections,
directives and options there are is from its documentation: https://www.jenkins.io/doc/book/pipeline/syntax/.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import dekobon_tree_sitter_groovy
from tree_sitter import Language, Node, Parser

# Its stub says int; it is the capsule that tree-sitter asks for.
PARSER = Parser(Language(cast("object", dekobon_tree_sitter_groovy.language())))
COMMENTS = ("line_comment", "block_comment")


@dataclass(frozen=True)
class Call:
    """One statement: `name arguments { body }`.

    Attributes:
        name: What is called; the whole text of a statement that is no call.
        arguments: Positional arguments as they are written, strings without quotes.
        named: Named arguments, likewise.
        body: What stands in its braces.
        line: Where it begins, from 1.
    """

    name: str
    arguments: tuple[str, ...] = ()
    named: dict[str, str] = field(default_factory=dict[str, str])
    body: tuple[Call, ...] | None = None
    line: int = 0

    def all(self, name: str) -> list[Call]:
        """The calls of a name in its braces."""
        return [one for one in self.body or () if one.name == name]

    def one(self, name: str) -> Call | None:
        """The call of a name in its braces, if there is one."""
        found = self.all(name)
        return found[0] if found else None

    def everything(self) -> Iterator[Call]:
        """Itself and whatever stands in it."""
        yield self
        for one in self.body or ():
            yield from one.everything()


class PipelineSyntaxError(Exception):
    """No Groovy, or no declarative pipeline."""


def parse(path: Path) -> Call:
    """The pipeline of a Jenkinsfile.

    Raises:
        PipelineSyntaxError: It is not one pipeline in Groovy.
    """
    return parsed(path.read_text(encoding="utf-8"))


def parsed(text: str) -> Call:
    """The same of its text."""
    root = PARSER.parse(text.encode()).root_node
    if root.has_error:
        raise PipelineSyntaxError(f"line {_first_fault(root).start_point.row + 1}: no Groovy")
    statements = [one for one in root.named_children if one.type not in COMMENTS]
    if [one.type for one in statements] != ["pipeline_statement"]:
        raise PipelineSyntaxError("a declarative pipeline is one `pipeline { }` and nothing else")
    return Call("pipeline", body=_statements(statements[0].named_children[-1]), line=statements[0].start_point.row + 1)


def _first_fault(node: Node) -> Node:
    return next((_first_fault(one) for one in node.children if one.has_error or one.is_missing), node)


def _statements(closure: Node) -> tuple[Call, ...]:
    """The grammar breaks `stage('x') { }` and `agent none` in two: what goes on in the same line is one statement."""
    rows: list[list[Node]] = []
    for node in closure.named_children:
        if node.type in COMMENTS:
            continue
        bare = node.named_children[0] if node.type == "expression_statement" else node
        if rows and rows[-1][-1].end_point.row == bare.start_point.row and not _separated(rows[-1][-1], bare):
            rows[-1].append(bare)
        else:
            rows.append([bare])
    return tuple(_call(nodes) for nodes in rows)


def _separated(before: Node, after: Node) -> bool:
    while before.parent and before.parent.end_byte == before.end_byte:
        before = before.parent
    between = (after.parent or after).parent
    text = (between.text or b"") if between else b""
    offset = between.start_byte if between else 0
    return b";" in text[before.end_byte - offset : after.start_byte - offset]


def _call(nodes: list[Node]) -> Call:
    line = nodes[0].start_point.row + 1
    flat = [part for node in nodes for part in (node.named_children if node.type == "command_chain" else [node])]
    head, *rest = flat
    if head.type == "method_invocation" and head.named_children[0].type == "identifier":
        name, rest = _text(head.named_children[0]), [head.named_children[1], *rest]
    elif head.type == "identifier":
        name = _text(head)
    else:
        return Call(_text(head), line=line)
    arguments: list[str] = []
    named: dict[str, str] = {}
    body: tuple[Call, ...] | None = None
    for part in rest:
        if part.type == "closure":
            body = _statements(part)
            continue
        for one in part.named_children if part.type in ("argument_list", "command_arguments") else [part]:
            if one.type in ("named_argument", "map_entry"):
                named[_text(one.named_children[0])] = _text(one.named_children[-1])
            else:
                arguments.append(_text(one))
    return Call(name, tuple(arguments), named, body, line)


def _text(node: Node) -> str:
    text = (node.text or b"").decode()
    return text[1:-1] if node.type == "string_literal" else text


POST = frozenset(
    ("always", "changed", "fixed", "regression", "aborted", "failure", "success", "unstable", "unsuccessful", "cleanup")
)
IN_PIPELINE = frozenset(("agent", "environment", "options", "parameters", "post", "stages", "tools", "triggers"))
IN_STAGE = frozenset(
    ("agent", "environment", "input", "matrix", "options", "parallel", "post", "stages", "steps", "tools", "when")
)
WORK = ("steps", "stages", "parallel", "matrix")
OPTIONS = frozenset(("buildDiscarder", "disableConcurrentBuilds", "skipDefaultCheckout", "timeout"))
STEPS = {
    "checkout": "workflow-aggregator",
    "dir": "workflow-aggregator",
    "echo": "workflow-aggregator",
    "input": "workflow-aggregator",
    "node": "workflow-aggregator",
    "script": "workflow-aggregator",
    "sh": "workflow-aggregator",
    "sleep": "workflow-aggregator",
    "timeout": "workflow-aggregator",
    "scmGit": "git",
    "junit": "junit",
}
"""The steps that our pipelines use, and the plugin that brings each: https://www.jenkins.io/doc/pipeline/steps/."""


def faults(pipeline: Call) -> list[str]:
    """What a declarative pipeline may not hold, or lacks."""
    found = _unknown(pipeline, IN_PIPELINE)
    found += [f"the pipeline lacks {name}" for name in ("agent", "stages") if not pipeline.one(name)]
    found += _shared(pipeline)
    for stages in pipeline.all("stages"):
        found += _stages(stages)
    return found


def _stages(stages: Call) -> list[str]:
    found = _unknown(stages, frozenset(("stage",)))
    if not stages.body:
        found.append(f"line {stages.line}: no stage")
    names = [stage.arguments[0] for stage in stages.all("stage") if stage.arguments]
    found += [f"two stages are called {name}" for name in sorted(names) if names.count(name) > 1]
    for stage in stages.all("stage"):
        found += _unknown(stage, IN_STAGE) + _shared(stage)
        if len(stage.arguments) != 1:
            found.append(f"line {stage.line}: a stage has a name")
        work = [one for one in stage.body or () if one.name in WORK]
        if len(work) != 1:
            found.append(f"line {stage.line}: a stage has one of {', '.join(WORK)}")
        for one in work:
            if one.name == "steps":
                found += _steps(one)
            elif one.name == "matrix":
                found += _matrix(one)
            else:
                found += _stages(one)
    return found


def _matrix(matrix: Call) -> list[str]:
    found = _unknown(matrix, IN_STAGE - {"steps", "parallel", "matrix"} | {"axes", "excludes"})
    found += [f"line {matrix.line}: a matrix lacks {name}" for name in ("axes", "stages") if not matrix.one(name)]
    for axes in matrix.all("axes"):
        found += _unknown(axes, frozenset(("axis",)))
        for axis in axes.all("axis"):
            if [one.name for one in axis.body or ()] != ["name", "values"]:
                found.append(f"line {axis.line}: an axis has name and values")
    for stages in matrix.all("stages"):
        found += _stages(stages)
    return found


def _shared(holder: Call) -> list[str]:
    """Of what stands in a pipeline as in a stage."""
    found = [
        f"line {agent.line}: agent none, agent any, or agent with braces"
        for agent in holder.all("agent")
        if agent.body is None and agent.arguments not in (("none",), ("any",))
    ]
    for options in holder.all("options"):
        found += _unknown(options, OPTIONS)
    for post in holder.all("post"):
        found += _unknown(post, POST)
        for condition in post.body or ():
            found += _steps(condition)
    for variables in holder.all("environment"):
        found += [f"line {one.line}: {one.name}: NAME = value" for one in variables.body or () if "=" not in one.name]
    return found


def _steps(steps: Call) -> list[str]:
    found = [] if steps.body else [f"line {steps.line}: no step"]
    for step in steps.body or ():
        if step.name not in STEPS:
            found.append(f"line {step.line}: {step.name} is no step that these pipelines know")
        elif step.body is not None and step.name != "script":
            found += _steps(step)
    return found


def _unknown(holder: Call, known: frozenset[str]) -> list[str]:
    return [
        f"line {one.line}: {one.name} does not belong in {holder.name}"
        for one in holder.body or ()
        if one.name not in known
    ]
