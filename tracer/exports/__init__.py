"""One file a format. All are made from the canonical case document, so that they cannot disagree."""
