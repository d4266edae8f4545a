/** A growing text stays scrolled to its end while the reader is there. */
export function keepAtEnd(element: HTMLElement): void {
  let isAtEnd = true;
  // It is not on the page yet.
  requestAnimationFrame(() => {
    element.scrollTop = element.scrollHeight;
  });
  element.addEventListener('scroll', () => {
    isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 24;
  });
  new MutationObserver(() => {
    if (isAtEnd) element.scrollTop = element.scrollHeight;
  }).observe(element, { childList: true, characterData: true, subtree: true });
}
