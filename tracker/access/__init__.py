"""Who may do what, where: units in a tree, people with roles over subtrees, tokens and keys."""
