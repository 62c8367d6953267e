"""Reports and comparisons as text: terminal tables, Markdown, LaTeX."""
