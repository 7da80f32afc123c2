"""Errors that end a command with one line and a fixed exit code."""

from __future__ import annotations


class InputError(ValueError):
    """Wrong use or bad input; the message says what, where and what to do."""

    exit_code = 2


class CheckFailed(RuntimeError):
    """An exported model does not agree with PyTorch."""

    exit_code = 1
