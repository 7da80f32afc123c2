"""A check as JUnit XML, the format that CI servers show test results of.

The form is that of Jenkins' schema of JUnit results (junit-10.xsd), which GitLab and the actions
for GitHub read too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from bench.gates.figure import Figure

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no form for (section 2.2)."""


def junit_xml(
    title: str, figures: Sequence[Figure], seconds: float, error: str | None = None
) -> bytes:
    """A test suite a gate, a test case a figure; of what is only told, a line in the suite.

    `seconds` is the duration of the check. An `error` is a test case in a
    last suite of its own.
    """
    root = Element("testsuites", name=_text(f"depthbench check {title}"), time=f"{seconds:.3f}")
    for gate, found in groupby(figures, key=lambda figure: figure.gate):
        _suite(root, gate, list(found))
    if error is not None:
        suite = SubElement(root, "testsuite", name="check")
        case = SubElement(suite, "testcase", name="check runs", classname=_text(title))
        SubElement(case, "error", message=_text(error), type="error").text = _text(error)
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(root: Element, gate: str, figures: Sequence[Figure]) -> None:
    suite = SubElement(root, "testsuite", name=gate)
    for figure in figures:
        if figure.verdict == "told":
            continue
        classname = f"{figure.subject}.{gate}"
        case = SubElement(suite, "testcase", name=_text(figure.name), classname=_text(classname))
        if figure.failed:
            why = "; ".join(filter(None, (figure.why or "it moved", figure.where)))
            message = _text(f"{figure.name}: {why}")
            # GitLab shows the text, Jenkins the message
            SubElement(case, "failure", message=message, type="moved").text = _text(_tell(figure))
        elif figure.verdict == "not judged":
            SubElement(case, "skipped", message=_text(figure.why))
    told = [_line(figure) for figure in figures if figure.verdict == "told"]
    if told:
        SubElement(suite, "system-out").text = _text("\n".join(told))
    _count(suite)


def _tell(figure: Figure) -> str:
    return "\n".join([_line(figure), *filter(None, (figure.why, figure.where)), *figure.details])


def _line(figure: Figure) -> str:
    cells = figure.cells()
    return f"{figure.name}: " + ", ".join(
        f"{column} {cells[column]}" for column in ("was", "now", "change", "allowed")
    )


def _count(element: Element) -> None:
    element.set("tests", str(len(list(element.iter("testcase")))))
    for name, outcome in (("failures", "failure"), ("errors", "error")):
        element.set(name, str(len(list(element.iter(outcome)))))
    if element.tag == "testsuite":
        element.set("skipped", str(len(list(element.iter("skipped")))))


def _text(value: str) -> str:
    return NOT_XML.sub("\ufffd", value)
