"""How the HTML report looks: light and dark as the reader's screen, always light on paper."""

CSS = """
:root {
  --paper: #ffffff; --ink: #222222; --soft: #5c6068; --line: #dcdde0; --link: #0061a1;
  --wash: #f5f6f7;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15171c; --ink: #e4e4e4; --soft: #a4a8b0; --line: #353942; --link: #7cc4f2;
    --wash: #1d2027;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 3.5rem 1.25rem 5rem; max-width: 62rem;
  background: var(--paper); color: var(--ink); overflow-x: clip;
  font: 1.075rem/1.6 Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, serif;
}
h1, h2, h3 { line-height: 1.2; text-wrap: balance; font-weight: 650; }
h1 { font-size: 2.3rem; margin: 0 0 1rem; letter-spacing: -0.01em; }
h2 { font-size: 1.55rem; margin: 4.5rem 0 1rem; }
h3 { font-size: 1.2rem; margin: 2.5rem 0 0.75rem; }
p, ul, ol { max-width: 42rem; margin: 0 0 1rem; }
ul, ol { padding-left: 1.3rem; }
li { margin: 0.2rem 0; overflow-wrap: anywhere; }
header p { font-size: 1.2rem; line-height: 1.5; color: var(--soft); }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 0.15em; }
nav ol { columns: 19rem; column-gap: 2.5rem; max-width: none; margin-top: 2rem; }
nav li { break-inside: avoid; margin: 0; padding: 0.2rem 0; }
nav, table, figcaption, summary, caption {
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  font-size: 0.9rem; line-height: 1.45;
}
.scroll { overflow-x: auto; margin: 1.75rem 0; }
.scroll:focus-visible, a:focus-visible, summary:focus-visible {
  outline: 2px solid var(--link); outline-offset: 3px;
}
table { border-collapse: collapse; font-variant-numeric: tabular-nums lining-nums; }
caption { text-align: left; padding-bottom: 0.6rem; color: var(--soft); }
caption span { display: block; max-width: min(42rem, calc(100vw - 2.5rem)); }
th, td { padding: 0.4rem 0.9rem; border-bottom: 1px solid var(--line); vertical-align: baseline; }
th:first-child { padding-left: 0; }
thead th { border-bottom: 1.5px solid var(--ink); vertical-align: bottom; font-weight: 600; }
tbody th { font-weight: 400; min-width: 9rem; }
.dense { font-size: 0.82rem; }
.dense th, .dense td { padding-inline: 0.38rem; }
.dense th:first-child { padding-left: 0; }
.dense thead .right { min-width: 0; }
.left { text-align: left; }
.right { text-align: right; white-space: nowrap; }
thead .right { white-space: normal; min-width: 4.6rem; }
figure { margin: 2.25rem 0; }
figure .scroll { margin: 0; }
figure img { display: block; width: 100%; height: auto; min-width: 38rem; }
figure.wide { width: min(96vw, 100rem); margin-left: 50%; transform: translateX(-50%); }
figure.wide img { min-width: 60rem; width: auto; max-width: 100%; margin: 0 auto; }
figure.wide figcaption { max-width: min(59.5rem, 100vw - 2.5rem); margin-inline: auto; }
figcaption { max-width: 42rem; margin-top: 0.6rem; color: var(--soft); }
details { margin: 1.75rem 0; }
summary { cursor: pointer; font-weight: 600; padding: 0.4rem 0; }
pre {
  font: 0.8rem/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  background: var(--wash); padding: 0.9rem 1.1rem; white-space: pre-wrap; border-radius: 4px;
  overflow-wrap: anywhere;
}
@media (max-width: 40rem) {
  body { padding-top: 2rem; font-size: 1rem; }
  h1 { font-size: 1.8rem; }
  h2 { margin-top: 3.25rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10.5pt; background: none; }
  header p { font-size: 12pt; }
  caption, figcaption, summary { font-size: 8.5pt; }
  h2 + p { break-after: avoid; }
  h2 { margin-top: 2rem; }
  h2, h3, summary { break-after: avoid; }
  nav { display: none; }
  p, ul, ol, figcaption { max-width: none; }
  table, .dense { font-size: 7.5pt; }
  th, td { padding: 0.2rem 0.45rem; }
  thead .right, tbody th { min-width: 0; }
  table, tr, figure { break-inside: avoid; }
  details table { break-inside: auto; }
  thead { display: table-header-group; }
  caption span { max-width: none; }
  .scroll { overflow: visible; }
  figure img, figure.wide img { min-width: 0; max-width: 100%; }
  figure.wide { width: 100%; margin-left: 0; transform: none; }
  figure.wide figcaption { max-width: none; }
  pre { font-size: 7pt; padding: 0.5rem; break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""

PRINTING = """
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
"""
"""Opens what is folded before the page is printed."""
