"""A model as a source of a review's findings: see "What a model adds" in docs/review.md."""
