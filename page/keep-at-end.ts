/** What grows at its end stays there while one looks at its end. */
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
