"""The static page that shows what a run found."""

from whalepipe.report.page import write_report

__all__ = ["write_report"]
