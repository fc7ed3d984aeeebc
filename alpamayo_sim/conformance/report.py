"""Results for people: Markdown, and one HTML file that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence

from alpamayo_sim.conformance.check import Measured, Outcome
from alpamayo_sim.conformance.results import ServerIdentity, count_verdicts

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1d2329;background:#fff}
table{border-collapse:collapse;width:100%;margin:.4rem 0 1.2rem}td,th{border-bottom:1px solid #d8dde2;padding:.25rem .5rem;
text-align:left;vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
summary{cursor:pointer;padding:.2rem 0}.v{display:inline-block;min-width:4.6rem;text-align:center;border-radius:.3rem;
margin-right:.6rem;font-size:.85em;padding:.05rem .3rem}.pass{background:#cfead6}.fail{background:#f6c9c4}
.skipped{background:#e7e9ec}.info{background:#d5e4f7}p.c{margin:.3rem 0;color:#444}h2{margin-top:2rem}
@media(prefers-color-scheme:dark){body{background:#15181b;color:#e3e6e8}p.c{color:#aab}td,th{border-color:#333a41}
.v{color:#111}}
"""


def markdown_report(identity: ServerIdentity, outcomes: Sequence[Outcome], note: str = "") -> str:
    """Return the report as Markdown: a table of verdicts by family, then every check with what was measured."""
    lines = [f"# Conformance of {_subject(identity)}", "", _facts(identity), ""]
    if note:
        lines += [f"**{note}**", ""]
    verdicts = list(count_verdicts(()))
    lines += ["| family | " + " | ".join(verdicts) + " |", "|---|" + "---:|" * len(verdicts)]
    for family, members in _by_family(outcomes).items():
        lines.append(f"| {family} | " + " | ".join(str(n) for n in count_verdicts(members).values()) + " |")
    lines.append("| all | " + " | ".join(str(n) for n in count_verdicts(outcomes).values()) + " |")
    for family, members in _by_family(outcomes).items():
        lines += ["", f"## {family}"]
        for outcome in members:
            check = outcome.check
            lines += ["", f"### {outcome.verdict.value}: {check.title} (`{check.id}`)", ""]
            lines.append(f"CARLA: {check.carla} Source: {check.source}.")
            if outcome.reason:
                lines += ["", f"{outcome.verdict.value}: {_cell(outcome.reason)}"]
            if outcome.measured:
                lines += ["", "| measured | value | CARLA | within |", "|---|---|---|---|"]
                lines += ["| " + " | ".join(map(_cell, _row(value))) + " |" for value in outcome.measured]
    return "\n".join(lines) + "\n"


def html_report(identity: ServerIdentity, outcomes: Sequence[Outcome], note: str = "") -> str:
    """Return the report as one HTML document without references to anything outside it."""
    subject = html.escape(_subject(identity))
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Conformance of {subject}</title>",
        f"<style>{_STYLE}</style><h1>Conformance of {subject}</h1><p>{html.escape(_facts(identity))}</p>",
    ]
    if note:
        parts.append(f"<p><strong>{html.escape(note)}</strong></p>")
    parts.append("<table><tr><th>family" + "".join(f"<th class=n>{verdict}" for verdict in count_verdicts(())))
    families = _by_family(outcomes)
    for family, members in [*families.items(), ("all", list(outcomes))]:
        cells = "".join(f"<td class=n>{n}" for n in count_verdicts(members).values())
        parts.append(f"<tr><td>{html.escape(family)}{cells}")
    parts.append("</table>")
    for family, members in families.items():
        parts.append(f"<h2>{html.escape(family)}</h2>")
        parts += [_html_check(outcome) for outcome in members]
    return "\n".join(parts) + "\n"


def _html_check(outcome: Outcome) -> str:
    check, verdict = outcome.check, outcome.verdict.value
    is_open = " open" if verdict == "fail" else ""
    title = f"<span class='v {verdict}'>{verdict}</span>{html.escape(check.title)} <code>{html.escape(check.id)}</code>"
    body = f"<p class=c>CARLA: {html.escape(check.carla)} <i>Source: {html.escape(check.source)}.</i></p>"
    if outcome.reason:
        body += f"<p>{html.escape(outcome.reason)}</p>"
    if outcome.measured:
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in _row(value)) for value in outcome.measured
        )
        body += f"<table><tr><th>measured<th>value<th>CARLA<th>within{rows}</table>"
    return f"<details{is_open}><summary>{title}</summary>{body}</details>"


def _row(value: Measured) -> tuple[str, str, str, str]:
    unit = f" {value.unit}" if value.unit else ""
    known = value.expected is not None
    mark = "" if value.holds is not False else " ✗"
    return (
        value.name,
        f"{_text(value.value)}{unit}{mark}",
        f"{_text(value.expected)}{unit}" if known else "not known",
        f"{value.tolerance:g}" if known and value.tolerance else "",
    )


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _by_family(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    families: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        families.setdefault(outcome.check.family, []).append(outcome)
    return families


def _subject(identity: ServerIdentity) -> str:
    return "the embedded server" if identity.server == "embedded" else f"CARLA {identity.server_version}"


def _facts(identity: ServerIdentity) -> str:
    return (
        f"Town {identity.map_name}, profile {identity.profile}, server version {identity.server_version}, "
        f"client {identity.client_version}. A check passes when what was measured is what CARLA 0.9.16 is known to give; "
        "info marks what was measured where that is not known." + (f" {not_empty(identity)}" if identity.others else "")
    )


def not_empty(identity: ServerIdentity) -> str:
    """Return the sentence that tells of the actors that were there before the checks."""
    return (
        f"The server was not empty: {identity.others} actors of others were in the world at the start; "
        "the checks keep clear of them, and are skipped where no place is left."
    )
