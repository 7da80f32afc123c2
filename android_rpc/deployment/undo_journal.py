"""The journal of what a client has made on a device and is yet to undo.

What may outlast a client (rules of ports, a folder there with what runs in it) is written
down before it is made, and again when it is undone. So whoever reads the journal of a client that
was killed can undo what it left.
"""

from __future__ import annotations

from typing import TextIO

Step = tuple[str, ...]
"""What is to be undone, as words: `forward 1 2`, `reverse 3 4`, `folder PATH`."""


class UndoJournal:
    """The journal in an open file, a line an entry."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def begin(self, step: Step) -> None:
        """Notes that `step` is about to be made."""
        self._write("begun", *step)

    def undone(self, step: Step) -> None:
        """Notes that nothing is left of `step`."""
        self._write("undone", *step)

    def pending(self) -> list[Step]:
        """What is yet to be undone, the youngest first."""
        pending: list[Step] = []
        for word, *words in self._lines():
            step = tuple(words)
            if word == "begun":
                pending.append(step)
            elif word == "undone" and step in pending:
                pending.remove(step)
        return pending[::-1]

    def start(self, client: int) -> None:
        """Begins the journal of the process `client`, with what is pending of those before."""
        lines = [("begun", *step) for step in reversed(self.pending())]
        lines.append(("client", str(client)))
        self._file.truncate(0)
        self._file.write("".join(f"{' '.join(words)}\n" for words in lines))
        self._file.flush()

    def client(self) -> str:
        """The process that last began a journal here; ? where none is known."""
        lines = reversed(self._lines())
        return next((words[1] for words in lines if words[0] == "client"), "?")

    def _write(self, *words: str) -> None:
        self._file.write(" ".join(words) + "\n")
        self._file.flush()

    def _lines(self) -> list[list[str]]:
        """Its whole lines, as words; a client that was killed may leave half a line."""
        self._file.seek(0)
        lines = self._file.read().splitlines(True)
        return [line.split() for line in lines if line.endswith("\n")]
