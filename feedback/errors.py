"""What can go wrong in the product itself. The CLI prints these (and storage's and nlp's) as one line, exit 1.

FeedbackError
├── ProjectError     feedback.toml is missing, or says something impossible
├── CollectError     a source can't be read (a row that can't is a reject, not an error)
├── DigestError      a digest can't be built, read or verified
├── DeliveryError    a digest could not be sent
├── GoldError        a gold file can't be read (`evaluate.py`)
├── TopicError       a topic is not there, or can't be treated so (`topics/edit.py`)
├── WorkerGone       a process that works ahead was killed (`ahead.py`)
└── UnknownDate      a date can't be placed; intake lists it (`dates.py`)
"""


class FeedbackError(Exception):
    """Base of everything `feedback` raises on purpose; its message says what happened and what to do."""


class ProjectError(FeedbackError):
    pass


class CollectError(FeedbackError):
    pass


class DigestError(FeedbackError):
    pass


class DeliveryError(FeedbackError):
    pass
