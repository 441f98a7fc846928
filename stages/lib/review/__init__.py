"""What `stages.review` compares two revisions with; no stage of the pipeline needs it."""
