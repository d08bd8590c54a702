/** Run once what was just set stands on the screen. A hidden page paints nothing and so says nothing. */
export function afterPaint(then: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(then));
}
