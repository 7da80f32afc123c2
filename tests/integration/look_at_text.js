// What a reader's eyes would complain of, in the page as it is shown.

/** Elements that are seen and hold text of their own. */
function written() {
  return [...document.querySelectorAll("body *")].filter((element) => {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const box = element.getBoundingClientRect();
    return own && box.width > 1 && box.height > 1 && element.checkVisibility();
  });
}

/** Red, green, blue (0 to 255) and opacity (0 to 1) of a CSS colour. */
function parts(colour) {
  const found = (colour.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  return found.length < 4 ? [...found, 1] : found;
}

/** Relative luminance by WCAG 2.2. */
function luminance(colour) {
  const [r, g, b] = parts(colour).map((c) => {
    const share = c / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The first opaque colour behind an element. */
function behind(element) {
  for (let one = element; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (parts(colour)[3] === 1) return colour;
  }
  return "rgb(255, 255, 255)";
}

/** The contrast of every text with what is behind it. */
function contrasts() {
  return written().map((element) => {
    const style = getComputedStyle(element);
    const ink = element.ownerSVGElement ? style.fill : style.color;
    const [low, high] = [luminance(ink), luminance(behind(element))].sort((a, b) => a - b);
    return [element.textContent.slice(0, 40), (high + 0.05) / (low + 0.05)];
  });
}

/** Pairs of a chart's texts of which one covers the other. */
function overlapping() {
  const pairs = [];
  for (const chart of document.querySelectorAll("svg")) {
    const texts = [...chart.querySelectorAll("text")].filter((one) => one.checkVisibility());
    const boxes = texts.map((one) => one.getBoundingClientRect());
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 4) pairs.push([texts[i], texts[i + 1 + j]].map((t) => t.textContent));
    }));
  }
  return pairs;
}

/** Texts of charts that are cut off at the chart's edge. */
function outside() {
  return written().filter((one) => one.ownerSVGElement).filter((one) => {
    const chart = one.ownerSVGElement.getBoundingClientRect();
    const box = one.getBoundingClientRect();
    return box.left < chart.left - 2 || box.right > chart.right + 2
      || box.top < chart.top - 2 || box.bottom > chart.bottom + 2;
  }).map((one) => one.textContent);
}

function look() {
  return { contrasts: contrasts(), overlapping: overlapping(), outside: outside() };
}
