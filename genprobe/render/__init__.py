"""Renderers: from a report or a comparison to text, data, figures and pages."""

RENDERERS = {
    "table": "text.screen:to_screen",
    "markdown": "text.markdown:to_markdown",
    "latex": "text.latex:to_latex",
    "json": "data.json:to_json",
    "card": "text.card:to_card",
}
"""The registered renderers of a report, by name: the file and the function in it."""
VIEWS = {
    "report": "text.screen:report_screen",
    "notebook": "page.report_notebook:to_notebook",
    "details": "text.table:to_text",
    "comparison": "text.comparison:comparison_view",
    "comparison-text": "text.comparison:comparison_to_text",
    "comparison-notebook": "page.notebook:comparison_to_notebook",
    "verdict": "text.comparison_verdict:verdict_of",
}
"""How a report and a comparison show themselves, by name."""
