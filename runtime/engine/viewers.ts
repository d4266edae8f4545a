/** Which plans somebody watches: an engine that belongs to a `run` starts the agents of these only. */

/** The plans that somebody watches, counted: two may watch the same. */
export function createViewers(onChange: () => void) {
  const counts = new Map<string, number>();
  const keyOf = (project: string, plan: string) => `${project}/${plan}`;
  return {
    has: (project: string, plan: string): boolean => counts.has(keyOf(project, plan)),
    /** Each as `<project>/<plan>`. */
    list: (): readonly string[] => [...counts.keys()],
    add(project: string, plan: string): () => void {
      const key = keyOf(project, plan);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      onChange();
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        const left = (counts.get(key) ?? 1) - 1;
        if (left === 0) counts.delete(key);
        else counts.set(key, left);
      };
    },
  };
}
