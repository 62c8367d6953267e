"use strict";
(() => {
  const page = JSON.parse(document.getElementById("page").textContent);
  const box = document.getElementById("plane");
  const hidden = new Set();
  let unit = page.unit;

  const all = (selector) => [...document.querySelectorAll(selector)];
  const scale = () => page.units[unit];
  const number = (value) => {
    const text = value.toFixed(page.decimals[unit]);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  };

  function showNumbers() {
    for (const cell of all("data.nats")) cell.textContent = number(Number(cell.value) / scale());
    for (const name of all(".unit")) name.textContent = unit;
    for (const b of all("[data-unit]")) b.setAttribute("aria-pressed", b.dataset.unit === unit);
  }

  function showModels() {
    for (const part of all("[data-model]")) part.hidden = hidden.has(Number(part.dataset.model));
  }

  // The convex part of the frontier of the models that are shown; see genprobe/frontier.py.
  function hull(points) {
    const found = [];
    for (const [x, y] of points.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
      if (found.length && y >= found.at(-1)[1]) continue;
      while (found.length > 1) {
        const [a, b] = found.slice(-2);
        if ((b[0] - a[0]) * (y - a[1]) > (b[1] - a[1]) * (x - a[0])) break;
        found.pop();
      }
      found.push([x, y]);
    }
    return found;
  }

  const lines = ({ title, rows }) =>
    [
      `<b>${title}</b>`,
      ...rows.map(([label, nats, error]) =>
        nats === null
          ? label
          : `${label} ${number(nats / scale())}` + (error ? ` ± ${number(error / scale())}` : ""),
      ),
    ].join("<br>");

  const divide = (values) => values.map((value) => value / scale());

  function traces() {
    const shown = page.figure.data.filter((t) => !hidden.has(t.meta.model));
    const points = shown.filter((t) => t.meta.rows).map((t) => [t.x[0], t.y[0]]);
    return shown.map((t) => {
      const corners = t.meta.hull ? hull(points) : null;
      return {
        ...t,
        x: divide(corners ? corners.map((p) => p[0]) : t.x),
        y: divide(corners ? corners.map((p) => p[1]) : t.y),
        hovertext: t.meta.rows ? lines(t.meta) : undefined,
      };
    });
  }

  function layout() {
    const { xaxis, yaxis, shapes, ...rest } = page.figure.layout;
    const narrow = box.clientWidth < 480;
    const axis = (a) => ({
      ...a,
      title: { text: a.title.text.replace("UNIT", unit) },
      range: divide(a.range),
    });
    return {
      ...rest,
      xaxis: axis(xaxis),
      yaxis: axis(yaxis),
      shapes: shapes.map((s) => {
        const [x0, x1, y0, y1] = divide([s.x0, s.x1, s.y0, s.y1]);
        return { ...s, x0, x1, y0, y1 };
      }),
      height: narrow ? 340 : 480,
      // A finger on the plane scrolls the page; the buttons below zoom.
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    };
  }

  function draw() {
    if (!page.figure) return;
    Plotly.react(box, traces(), layout(), { displayModeBar: false, responsive: true });
  }

  // A factor of 0 goes back to where it began.
  function zoom(factor) {
    const first = layout();
    const change = {};
    for (const name of ["xaxis", "yaxis"]) {
      const [low, high] = box.layout[name].range;
      const middle = (low + high) / 2;
      const half = ((high - low) / 2) * factor;
      change[`${name}.range`] = factor ? [middle - half, middle + half] : first[name].range;
    }
    Plotly.relayout(box, change);
  }

  for (const button of all("[data-unit]")) {
    button.addEventListener("click", () => {
      unit = button.dataset.unit;
      showNumbers();
      draw();
    });
  }
  for (const check of all("[data-toggle]")) {
    check.addEventListener("change", () => {
      const model = Number(check.dataset.toggle);
      if (check.checked) hidden.delete(model);
      else hidden.add(model);
      showModels();
      draw();
    });
  }
  for (const button of all("[data-zoom]")) {
    button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
  }

  // On paper nothing is folded away.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });

  for (const control of all(".toolbar, .zoom")) control.hidden = false;
  if (page.figure) box.replaceChildren();
  draw();
})();
