/** The part of a chart on the screen. Text stays readable unless a person zooms out. */
import type { Box } from '../runtime/base/charts/chart.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

type Size = Pick<Box, 'w' | 'h'>;

interface ViewportParts {
  readonly stage: HTMLElement;
  /** The whole chart, with its margin. */
  whole(): Box;
  /** Shows that part. */
  draw(part: Box): void;
}

export type Viewport = ReturnType<typeof createViewport>;

/** Text of a chart is 11 pixels high; slightly smaller text can still be read. */
const legible = 0.8;
/** The scale at which the page shows a chart by itself. */
const usual = 1.1;
const most = 3;
const least = 0.1;
const moveMs = 220;
/** A press that moves by fewer pixels does not drag a chart away from its active states. */
const dragPixels = 4;

export function createViewport({ stage, whole, draw }: ViewportParts) {
  let view: Box = { x: 0, y: 0, w: 1, h: 1 };
  let animation = 0;

  /** Pixels of the screen for each pixel of the chart. */
  function scaleOf(box: Box): number {
    return Math.min(stage.clientWidth / box.w, stage.clientHeight / box.h);
  }

  function sizeAt(scale: number): Size {
    return { w: stage.clientWidth / scale, h: stage.clientHeight / scale };
  }

  /** The same part of the chart, widened to the proportions of the stage. */
  function fitted(box: Box): Box {
    const { w, h } = sizeAt(Math.min(scaleOf(box), usual));
    const middle = middleOf(box);
    const all = whole();
    return { x: within(middle.x, w, all.x, all.w), y: within(middle.y, h, all.y, all.h), w, h };
  }

  function apply(box: Box): void {
    view = box;
    draw(box);
  }

  function jump(box: Box): void {
    cancelAnimationFrame(animation);
    apply(box);
  }

  function look(box: Box, isSmooth = true): void {
    if (stage.clientWidth === 0) return;
    const goal = fitted(box);
    cancelAnimationFrame(animation);
    if (!isSmooth || isStill()) {
      apply(goal);
      return;
    }
    const from = view;
    const begun = performance.now();
    const step = (now: number) => {
      const t = Math.min(1, Math.max(0, now - begun) / moveMs);
      const part = 1 - (1 - t) ** 3;
      const between = (key: keyof Box) => from[key] + (goal[key] - from[key]) * part;
      apply({ x: between('x'), y: between('y'), w: between('w'), h: between('h') });
      if (t < 1) animation = requestAnimationFrame(step);
    };
    animation = requestAnimationFrame(step);
  }

  return {
    ...{ jump, look },
    view: () => view,
    redraw: () => apply(view),
    isLegible: (box: Box) => scaleOf(box) >= legible,
    /** Shows the middle of a part that is too large to be read as a whole. */
    lookIntoMiddle: (box: Box, isSmooth: boolean) => look(around(middleOf(box), sizeAt(legible)), isSmooth),
    /** Shows the same part at the same scale, after the stage has changed its size. */
    fitAgain: () => apply(around(middleOf(view), sizeAt(Math.min(Math.max(scaleOf(view), least), most)))),
    centerAt: (point: Point) => jump(around(point, view)),
    /** By parts of what is shown. */
    move: (dx: number, dy: number) => jump({ ...view, x: view.x + dx * view.w, y: view.y + dy * view.h }),
    zoom(factor: number, at: Point = middleOf(view)) {
      const { w, h } = sizeAt(Math.min(most, Math.max(least, (stage.clientWidth / view.w) * factor)));
      const [px, py] = [(at.x - view.x) / view.w, (at.y - view.y) / view.h];
      jump({ x: at.x - px * w, y: at.y - py * h, w, h });
    },
    pointAt(event: MouseEvent): Point {
      const rect = stage.getBoundingClientRect();
      return {
        x: view.x + ((event.clientX - rect.left) / rect.width) * view.w,
        y: view.y + ((event.clientY - rect.top) / rect.height) * view.h,
      };
    },
  };
}

interface DragParts {
  mayDrag(event: PointerEvent): boolean;
  isFollowing(): boolean;
  /** Called when a person drags a chart that followed its active states. */
  dragged(): void;
}

/** Moves the chart with a pressed pointer. */
export function letDrag(stage: HTMLElement, viewport: Viewport, { mayDrag, isFollowing, dragged }: DragParts): void {
  let grabbed: (Point & { readonly view: Box }) | null = null;
  stage.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !mayDrag(event)) return;
    grabbed = { x: event.clientX, y: event.clientY, view: viewport.view() };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener('pointermove', (event) => {
    if (grabbed === null) return;
    const [dx, dy] = [event.clientX - grabbed.x, event.clientY - grabbed.y];
    if (isFollowing() && Math.hypot(dx, dy) < dragPixels) return;
    const scale = stage.clientWidth / grabbed.view.w;
    viewport.jump({ ...grabbed.view, x: grabbed.view.x - dx / scale, y: grabbed.view.y - dy / scale });
    if (isFollowing()) dragged();
  });
  for (const type of ['pointerup', 'pointercancel'] as const)
    stage.addEventListener(type, () => {
      grabbed = null;
    });
}

/** Whether the person wants no animations. */
export function isStill(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function middleOf(box: Box): Point {
  return { x: box.x + box.w / 2, y: box.y + box.h / 2 };
}

function around({ x, y }: Point, { w, h }: Size): Box {
  return { x: x - w / 2, y: y - h / 2, w, h };
}

/** Where a window of this size around that middle begins. It stays inside the chart. */
function within(middle: number, size: number, from: number, length: number): number {
  if (size >= length) return from + length / 2 - size / 2;
  return Math.min(Math.max(middle - size / 2, from), from + length - size);
}
