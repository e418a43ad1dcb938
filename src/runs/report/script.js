// A cursor for the line charts: a vertical line at the nearest value, and what every line says
// there. Values are read back from the paths through the axis ranges, so nothing is stored twice.
(function () {
  const tip = document.createElement("div");
  tip.id = "tip";
  document.body.append(tip);
  const numbers = (text) => text.split(" ").map(Number);
  const show = (value) => {
    const size = Math.abs(value);
    if (size >= 1000) return Math.round(value).toString();
    return size !== 0 && size < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  };

  for (const chart of document.querySelectorAll("svg.chart")) {
    const [x0, x1, left, right] = numbers(chart.dataset.x);
    const [y0, y1, bottom, top] = numbers(chart.dataset.y);
    const lines = [...chart.querySelectorAll("path.line:not(.faint)")].map((path) => ({
      name: path.dataset.name,
      points: path.getAttribute("d").slice(1).split("L").map((point) => point.split(" ").map(parseFloat)),
    }));
    const cursor = document.createElementNS(chart.namespaceURI, "line");
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("y1", top);
    cursor.setAttribute("y2", bottom);
    const hide = () => {
      tip.style.display = "none";
      cursor.remove();
    };
    chart.addEventListener("pointerleave", hide);
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
      const nearest = (points) =>
        points.reduce((best, point) => (Math.abs(point[0] - at) < Math.abs(best[0] - at) ? point : best));
      const found = lines.map((line) => ({ name: line.name, point: nearest(line.points) }));
      if (found.length === 0 || at < left - 8 || at > right + 8) return hide();
      const x = nearest(found.map((line) => line.point))[0];
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      chart.append(cursor);
      const axis = x0 + ((x - left) / (right - left)) * (x1 - x0);
      const rows = found
        .filter((line) => Math.abs(line.point[0] - x) < 12)
        .map((line) => `${line.name}: ${show(y0 + ((bottom - line.point[1]) / (bottom - top)) * (y1 - y0))}`);
      tip.textContent = [`at ${show(axis)}`, ...rows].join("\n");
      tip.style.display = "block";
      const offset = event.clientX > window.innerWidth / 2 ? -tip.offsetWidth - 14 : 14;
      tip.style.left = `${event.pageX + offset}px`;
      tip.style.top = `${event.pageY + 14}px`;
    });
  }
})();
