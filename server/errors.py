"""The family of errors, and what a client or an operator sees of each.

ModelMetaError
├── OperatorError      wrong set-up: one line and exit code 2
└── (request errors live with GraphQL, in schema/faults.py)
"""


class OperatorError(Exception):
    """Something the operator has to mend; the message says what is wrong and what to do."""
