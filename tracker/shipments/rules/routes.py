"""Who may send to whom. Pure."""

from __future__ import annotations


def parent_of(path: str) -> str:
    """The unit above; the root is its own parent."""
    above, _, _ = path.rpartition(".")
    return above or path


def within(path: str, root: str) -> bool:
    """Whether `path` is `root` or lies below."""
    return path == root or path.startswith(root + ".")


def may_send(sender: str, receiver: str) -> bool:
    """Whether goods may go from one facility's path to another's.

    Down or up the tree always: one lies within the unit the other stands under. Sideways that makes
    two puskesmas neighbours exactly when the same city is above both.
    """
    return sender != receiver and (
        within(receiver, parent_of(sender)) or within(sender, parent_of(receiver)) or within(receiver, sender)
    )


def is_upward(sender: str, receiver: str) -> bool:
    """Whether goods go back up: the receiver stands nearer to the root, in a unit that the sender lies in."""
    return receiver.count(".") < sender.count(".") and within(sender, parent_of(receiver))


def is_lateral(sender: str, receiver: str) -> bool:
    """Whether goods go sideways, between two facilities under the same unit."""
    return sender != receiver and parent_of(sender) == parent_of(receiver)
