"use strict";
(() => {
  const page = JSON.parse(document.getElementById("page").textContent);
  const box = document.getElementById("plane");
  const hidden = new Set();
  let unit = page.unit;

  const all = (selector) => [...document.querySelectorAll(selector)];
  const scale = () => page.units[unit];

  // Numbers are rounded to their error; see genprobe/analysis/rounding.py.
  const power = (value) => Number(value.toExponential(1).split("e")[1]);
  const exponential = (value, digits) =>
    value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2").replace(/^-/, "−");

  function places(error) {
    const usual = page.decimals[unit];
    return error ? Math.min(Math.max(1 - power(error), 0), usual + 2) : usual;
  }

  function number(value, error = 0) {
    if (Math.abs(value) >= 1e15 || error >= 1e9) {
      const apart = error ? Math.floor(Math.log10(Math.abs(value))) - power(error) + 1 : 0;
      return exponential(value, Math.min(Math.max(page.decimals[unit], apart), 16));
    }
    const text = value.toFixed(places(error));
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  }

  function spread(error) {
    if (error >= 1e9) return exponential(error, 1);
    const text = error.toFixed(places(error));
    return Number(text) ? text : `<${(10 ** -places(error)).toFixed(places(error))}`;
  }

  function showNumbers() {
    for (const cell of all("data.nats")) {
      const value = Number(cell.value) / scale();
      const error = Number(cell.dataset.error ?? 0) / scale();
      cell.textContent = cell.classList.contains("spread") ? spread(value) : number(value, error);
    }
    for (const part of all("[data-said]")) {
      part.textContent = page.said[unit][part.dataset.said][part.dataset.place];
    }
    for (const name of all(".unit")) name.textContent = unit;
    for (const b of all("[data-unit]")) b.setAttribute("aria-pressed", b.dataset.unit === unit);
  }

  // A part is of the models that data-model lists, and goes with the last of them.
  const gone = (list) => list.split(" ").map((model) => hidden.has(Number(model)));

  function showModels() {
    for (const part of all("[data-model]")) part.hidden = !gone(part.dataset.model).includes(false);
  }

  // The convex part of the frontier of the models that are shown; see genprobe/comparing/frontier.py.
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
          : `${label} ${number(nats / scale(), (error ?? 0) / scale())}` +
            (error ? ` ± ${spread(error / scale())}` : ""),
      ),
    ].join("<br>");

  const divide = (values) => values.map((value) => value / scale());

  // A colour that begins with -- is a property of the style, another one in the dark.
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => (name?.startsWith("--") ? style.getPropertyValue(name).trim() : name);

  const edged = (marker) => ({
    ...marker,
    line: { ...marker.line, color: colour(marker.line?.color) },
  });

  // Round numbers, seven or fewer, of R + D that a view passes over.
  function costs([left, right], [bottom, top]) {
    const least = (right + top - left - bottom) / 7;
    const power = 10 ** Math.floor(Math.log10(least));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= least);
    const found = [];
    for (let k = Math.ceil((left + bottom) / step); k * step < right + top; k++) {
      found.push(Number((k * step).toPrecision(9)));
    }
    return found;
  }

  const equal = ([left, right], y) =>
    costs([left, right], y).map((c) => ({ x: [left, right, null], y: [c - left, c - right, null] }));

  // The number of a line of equal ELBO is written where it crosses the upper or the right edge; in the lower left
  // corner, where it crosses neither, inside the left one.
  function costLabels([left, right], [bottom, top]) {
    const label = (c, x, y, xanchor, yanchor) => ({
      ...{ x, y, xanchor, yanchor, showarrow: false, font: { size: 11 } },
      text: String(c).replace("-", "−"),
    });
    return costs([left, right], [bottom, top]).flatMap((c) => {
      const upper = c - top >= left && c - top <= right;
      const far = c - right >= bottom && c - right < top;
      return [
        ...(upper ? [label(c, c - top, top, "center", "bottom")] : []),
        ...(far ? [label(c, right, c - right, "left", "middle")] : []),
        ...(upper || far ? [] : [label(c, left, c - left, "left", "middle")]),
      ];
    });
  }

  function traces(view) {
    const elbo = equal(view.x, view.y);
    const shown = page.figure.data.filter((t) => !hidden.has(t.meta.model));
    const points = shown.filter((t) => t.meta.rows).map((t) => [t.x[0], t.y[0]]);
    return shown.map((t) => {
      if (t.meta.elbo) {
        t = { ...t, x: elbo.flatMap((l) => l.x), y: elbo.flatMap((l) => l.y) };
        return { ...t, line: { ...t.line, color: colour(t.line.color) } };
      }
      const corners = t.meta.hull ? hull(points) : null;
      return {
        ...t,
        line: { ...t.line, color: colour(t.line?.color) },
        ...(t.marker && { marker: edged(t.marker) }),
        x: divide(corners ? corners.map((p) => p[0]) : t.x),
        y: divide(corners ? corners.map((p) => p[1]) : t.y),
        hovertext: t.meta.rows ? lines(t.meta) : undefined,
      };
    });
  }

  // What is seen at first, in the unit.
  function start() {
    const { xaxis, yaxis } = page.figure.layout;
    return { x: divide(xaxis.range), y: divide(yaxis.range) };
  }

  function layout(view) {
    const { xaxis, yaxis, shapes, ...rest } = page.figure.layout;
    const narrow = box.clientWidth < 480;
    const axis = (a, range) => ({
      ...a,
      title: { text: a.title.text.replace("UNIT", unit) },
      range: [...range],
    });
    return {
      ...rest,
      xaxis: axis(xaxis, view.x),
      yaxis: axis(yaxis, view.y),
      annotations: costLabels(view.x, view.y),
      shapes: shapes.map((s) => {
        const [x0, x1, y0, y1] = divide([s.x0, s.x1, s.y0, s.y1]);
        return { ...s, x0, x1, y0, y1 };
      }),
      height: narrow ? 340 : 480,
      // A finger on the plane scrolls the page; the buttons below zoom.
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    };
  }

  function draw(view) {
    if (!page.figure) return;
    view ??= start();
    // Plotly's own double click goes back to the first ranges in whatever unit they were.
    const options = { displayModeBar: false, responsive: true, doubleClick: false };
    Plotly.react(box, traces(view), layout(view), options);
  }

  // Charts of codes, which have no unit to choose.
  function drawCharts() {
    for (const { id, data, layout } of page.charts) {
      const place = document.getElementById(id);
      const painted = data.filter((t) => !hidden.has(t.meta?.model)).map((t) => ({
        ...t,
        line: { ...t.line, color: colour(t.line.color) },
      }));
      place.querySelector("noscript")?.remove();
      const options = { displayModeBar: false, responsive: true };
      Plotly.react(place, painted, structuredClone(layout), options);
    }
  }

  // What is seen now.
  const seen = () => ({ x: [...box.layout.xaxis.range], y: [...box.layout.yaxis.range] });

  // A factor of 0 goes back to where it began.
  function zoom(factor) {
    const around = ([low, high]) => {
      const half = ((high - low) / 2) * factor;
      return [(low + high) / 2 - half, (low + high) / 2 + half];
    };
    const { x, y } = seen();
    draw(factor ? { x: around(x), y: around(y) } : start());
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
      drawCharts();
    });
  }
  for (const button of all("[data-zoom]")) {
    button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
  }

  // Rows in the order of a column: numbers from the largest down at first, names from a on. A second
  // press turns the order round, and cells without a value are last in both.
  function sortRows(table, column, descending) {
    const body = table.tBodies[0];
    const value = (row) => row.cells[column].dataset.value ?? "";
    const rows = [...body.rows];
    const numeric = rows.every((row) => !Number.isNaN(Number(value(row))));
    const compare = (a, b) =>
      numeric ? Number(a) - Number(b) : a.localeCompare(b, undefined, { numeric: true });
    rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return descending ? compare(y, x) : compare(x, y);
    });
    body.append(...rows);
  }

  function makeSortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.tagName !== "TH") return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const first = head.classList.contains("figure") ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const order = head.getAttribute("aria-sort") === first ? other : first;
        for (const each of heads) each.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
        sortRows(table, column, order === "descending");
      });
    });
  }

  // On paper nothing that is printed is folded away.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });

  for (const table of all("table.sortable")) makeSortable(table);
  for (const control of all(".toolbar, .zoom")) control.hidden = false;
  if (page.figure) box.replaceChildren();
  draw();
  drawCharts();
  // What is folded away has no width until it is seen.
  for (const fold of all("details:has(.chart)")) {
    fold.addEventListener("toggle", () => {
      for (const chart of fold.querySelectorAll(".chart")) if (fold.open) Plotly.Plots.resize(chart);
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
  if (page.figure) {
    box.on("plotly_relayout", () => draw(seen()));
    box.on("plotly_doubleclick", () => draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(seen()));
  }
})();
