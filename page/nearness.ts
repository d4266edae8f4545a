/** Which parts of a long view are in the window, or close to it: only those are drawn, so that a view of any length costs the page the same. */

export interface Nearness {
  /** The element's `data-part` attribute names the part. */
  watch(element: HTMLElement): void;
  stop(): void;
}

interface NearnessOptions {
  /** The distance from the window up to which a part counts as near. */
  readonly marginPixels: number;
  /** `near`: the parts that came near. `gone`: the parts that went away, with the height that each had. */
  changed(near: readonly string[], gone: readonly { readonly part: string; readonly height: number }[]): void;
}

export function createNearness({ marginPixels, changed }: NearnessOptions): Nearness {
  const observer = new IntersectionObserver(
    (entries) => {
      const near: string[] = [];
      const gone: { part: string; height: number }[] = [];
      // A busy browser reports several frames at once: the last one is how it is now.
      const last = new Map(entries.map((entry) => [(entry.target as HTMLElement).dataset.part ?? '', entry]));
      for (const [part, { target, isIntersecting, boundingClientRect }] of last) {
        if (isIntersecting) near.push(part);
        // A part with the focused element stays, because a person works in it.
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
