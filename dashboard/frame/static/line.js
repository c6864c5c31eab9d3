// Whether the line bears a megabyte nobody asked for. What the browser knows comes first; else the page itself was the measure.

const QUICK_ANSWER_MS = 800; // from request to the first byte of the page; "Slow 3G" takes 2 seconds for it
const QUICK_BYTES_PER_MS = 150; // 1.2 Mbit/s: plotly.js in 12 seconds

/** How the page itself came. */
function arrival() {
  return /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType("navigation")[0]);
}

/**
 * @param {Line | undefined} connection what the browser knows of the line
 * @param {PerformanceNavigationTiming | undefined} page how the page came
 * @returns {boolean}
 */
export function lineIsGood(connection = navigator.connection, page = arrival()) {
  if (connection?.saveData) return false;
  if (connection?.effectiveType && connection.effectiveType !== "4g") return false;
  if (!page || page.responseStart - page.requestStart > QUICK_ANSWER_MS) return false;
  const spent = page.responseEnd - page.responseStart;
  // A page that came within one packet says nothing of the rate.
  return spent < 50 || page.transferSize / spent > QUICK_BYTES_PER_MS;
}
