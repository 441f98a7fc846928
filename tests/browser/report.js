// At the end of the page: when all is drawn, put into the page what there is to see of it.

// [kind, optimizer, rev] of every point and rectangle (not of axes and legends) that can be seen within the chart.
function marks(svg) {
  const frame = svg.getBoundingClientRect();
  const seen = (shape) => {
    if ((shape.getAttribute("transform") || "").includes("NaN")) return false;
    const box = shape.getBoundingClientRect(), style = getComputedStyle(shape);
    const inside = box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
    return inside && box.width > 0 && box.height > 0 && (style.fill !== "none" || style.stroke !== "none");
  };
  const found = [];
  for (const kind of ["symbol", "rect"])
    for (const shape of svg.querySelectorAll(`g.mark-${kind}.role-mark > path`))
      if (seen(shape)) found.push([kind, shape.__data__.datum.optimizer || "", shape.__data__.datum.rev || ""]);
  return found;
}

setTimeout(() => {
  const charts = {}, images = {};
  for (const svg of document.querySelectorAll("svg.marks")) charts[svg.closest("div[id]").id] = marks(svg);
  for (const image of document.images) images[image.getAttribute("src")] = image.naturalWidth > 0;
  const entries = performance.getEntriesByType("resource");
  const requests = entries.map((entry) => entry.name).filter((name) => name.startsWith("http"));
  const report = document.createElement("script");
  report.id = "report";
  report.type = "application/json";
  report.textContent = JSON.stringify({charts, images, requests});
  document.body.append(report);
}, 30000);
