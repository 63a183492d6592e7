"""What can go wrong in analysis.

NlpError
├── TaxonomyError     a taxonomy file that can't be used
├── EngineError       an engine that is unknown or whose weights are missing
└── UnusableText      a text the pipeline refuses (recorded, the run goes on)
"""


class NlpError(Exception):
    """Base of everything `nlp` raises on purpose; its message says what to do."""


class TaxonomyError(NlpError):
    pass


class EngineError(NlpError):
    pass


class UnusableText(NlpError):
    pass
