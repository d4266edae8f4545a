/** Which parts of a long view are in the window, or close to it: only those are drawn, so that a view of any length costs the page the same. */

export interface Nearness {
  /** The element's `data-part` is its name. */
  watch(element: HTMLElement): void;
  stop(): void;
}

interface NearnessOptions {
  /** How far from the window a part still counts. */
  readonly marginPixels: number;
  /** Parts that came near or went away; `height` is what a part took that goes. */
  changed(near: readonly string[], gone: readonly { readonly part: string; readonly height: number }[]): void;
}

export function createNearness({ marginPixels, changed }: NearnessOptions): Nearness {
  const observer = new IntersectionObserver(
    (entries) => {
      const near: string[] = [];
      const gone: { part: string; height: number }[] = [];
      for (const { target, isIntersecting, boundingClientRect } of entries) {
        const part = (target as HTMLElement).dataset.part ?? '';
        if (isIntersecting) near.push(part);
        // Where a person is at work nothing is taken away.
        else if (!target.contains(document.activeElement)) gone.push({ part, height: boundingClientRect.height });
      }
      changed(near, gone);
    },
    { rootMargin: `${marginPixels}px 0px` },
  );
  return {
    watch: (element) => observer.observe(element),
    stop: () => observer.disconnect(),
  };
}
