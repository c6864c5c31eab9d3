"""Errors of the front door; the message is one sentence for whoever sits at the terminal."""

from __future__ import annotations


class ServiceMissing(Exception):
    """A program or server that is needed is not there, or does not start (exit code 3)."""


class WrongUse(Exception):
    """The command was asked for something it cannot do (exit code 2)."""


class AnswerIsNo(Exception):
    """The command worked and the answer is no (exit code 1)."""
