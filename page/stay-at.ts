/** Scrolls to an element and stays there while the content above it is still being drawn, since its height is only estimated until then. */

/** Drawing after this time has another cause than the jump. */
const mostMs = 5_000;
/** Events by which a person scrolls elsewhere. */
const moves = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const;

export function stayAt(id: string): void {
  const element = document.getElementById(id);
  if (element === null) return;
  element.focus({ preventScroll: true });
  const ended = new AbortController();
  const { signal } = ended;
  const observer = new ResizeObserver(() => document.getElementById(id)?.scrollIntoView());
  observer.observe(document.body);
  signal.addEventListener('abort', () => observer.disconnect());
  for (const type of moves) addEventListener(type, () => ended.abort(), { signal, passive: true });
  setTimeout(() => ended.abort(), mostMs);
  element.scrollIntoView();
}
