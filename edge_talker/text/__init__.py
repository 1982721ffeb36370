"""Text in English and Chinese: languages, clauses, search, the knowledge file."""
