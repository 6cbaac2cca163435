"""The page's style sheet and script: one column, both colour schemes, figures that follow the scheme."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #ffffff; --line: #d0d7de;
  --good: #0a6b2d; --bad: #b3261e; --card: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9da7b3; --paper: #0d1117; --line: #30363d; --good: #56d364; --bad: #ff8a80;
    --card: #161b22; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 .25rem; }
.outcome { border-left: .4rem solid var(--good); background: var(--card); padding: .75rem 1rem; margin: 0 0 1.25rem; }
.outcome.failed { border-color: var(--bad); }
.outcome strong { color: var(--good); }
.outcome.failed strong { color: var(--bad); }
table { width: 100%; border-collapse: collapse; margin: 0 0 1.5rem; }
caption { text-align: left; font-weight: 600; font-size: 1.15rem; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .5rem .4rem 0; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { font-weight: 400; color: var(--soft); width: 45%; }
td { font-variant-numeric: tabular-nums; }
ul { padding-left: 1.2rem; overflow-wrap: anywhere; }
figure { margin: 0 0 2rem; }
figcaption, footer { color: var(--soft); font-size: .9rem; }
.plot { width: 100%; height: 24rem; }
@media (max-width: 40rem) { .plot { height: 21rem; } main { padding: .75rem; } }
"""

SCRIPT: Final = """
"use strict";
(() => {
  const specs = JSON.parse(document.getElementById("figures").textContent);
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  const palettes = {
    light: { ink: "#1b1f24", grid: "#d8dee4", bid: "#0b57d0", ask: "#b3261e", trade: "#1b1f24", anchor: "#7a3e9d",
      rung_bid: "#1f77b4", rung_ask: "#c8691c", book: "#0b57d0", bought: "#0a6b2d", sold: "#b3261e",
      low: "#b3261e", mid: "#0b57d0", high: "#0a6b2d", owed: "#57606a", interest: "#0a6b2d", scheduled: "#0b57d0",
      prepaid: "#7a3e9d", recovered: "#c8691c" },
    dark: { ink: "#e6edf3", grid: "#30363d", bid: "#79b8ff", ask: "#ff9b8e", trade: "#e6edf3", anchor: "#d2a8ff",
      rung_bid: "#58a6ff", rung_ask: "#f0a35e", book: "#79b8ff", bought: "#56d364", sold: "#ff9b8e",
      low: "#ff9b8e", mid: "#79b8ff", high: "#56d364", owed: "#9da7b3", interest: "#56d364", scheduled: "#79b8ff",
      prepaid: "#d2a8ff", recovered: "#f0a35e" },
  };
  const translucent = (hex, alpha) => {
    const part = (at) => parseInt(hex.slice(at, at + 2), 16);
    return `rgba(${part(1)},${part(3)},${part(5)},${alpha})`;
  };
  const paint = (spec, phone) => {
    const colours = palettes[scheme.matches ? "dark" : "light"];
    const data = spec.data.map((trace) => {
      if (trace.type === "heatmap") {
        const bar = { ...trace.colorbar, tickfont: { color: colours.ink }, outlinewidth: 0 };
        bar.title = phone ? { text: "" } : { ...bar.title, font: { color: colours.ink } };
        return { ...trace, colorbar: bar };
      }
      const colour = colours[trace.meta.role];
      if (trace.type === "bar") {
        const pattern = { ...trace.marker.pattern, fillmode: "overlay", fgcolor: colours.ink };
        return { ...trace, marker: { ...trace.marker, color: translucent(colour, 0.85), pattern } };
      }
      const line = { ...trace.line, color: colour };
      const painted = { ...trace, line };
      if (trace.fill) painted.fillcolor = translucent(colour, trace.meta.role === "anchor" ? 0.4 : 0.22);
      return painted;
    });
    const axis = { gridcolor: colours.grid, zerolinecolor: colours.grid, linecolor: colours.grid };
    const layout = { ...spec.layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colours.ink, size: phone ? 12 : 14, family: getComputedStyle(document.body).fontFamily } };
    layout.xaxis = { ...layout.xaxis, ...axis, nticks: phone ? 4 : 8 };
    for (const name of ["yaxis", "yaxis2"]) {
      if (!layout[name]) continue;
      layout[name] = { ...layout[name], ...axis };
      if (phone && !layout.yaxis2) layout[name].title = { text: "" };
    }
    return [data, layout];
  };
  const draw = () => {
    for (const element of document.querySelectorAll("[data-figure]")) {
      const [data, layout] = paint(specs[element.dataset.figure], element.clientWidth < 520);
      layout.width = element.clientWidth;
      Plotly.react(element, data, layout, { displaylogo: false, displayModeBar: false });
    }
  };
  let width = 0;
  new ResizeObserver(() => {
    const now = document.querySelector("main").clientWidth;
    if (now !== width) {
      width = now;
      draw();
    }
  }).observe(document.querySelector("main"));
  scheme.addEventListener("change", draw);
})();
"""
