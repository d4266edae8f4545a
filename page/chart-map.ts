/** A small picture of the whole chart that marks the part on the screen. */
import type { Box, Chart } from '../runtime/base/charts/chart.ts';

export interface ChartMap {
  readonly element: SVGSVGElement;
  draw(chart: Chart): void;
  light(active: ReadonlySet<string>, leaves: ReadonlySet<string>): void;
  /** Marks this part of the chart. */
  frame(box: Box): void;
}

/** A small picture of the whole chart beside the part on the screen. It is for the mouse; the keyboard has keys of its own to move. */
export function createMap(go: (x: number, y: number) => void): ChartMap {
  const space = 'http://www.w3.org/2000/svg';
  const element = document.createElementNS(space, 'svg');
  element.setAttribute('class', 'chart-map');
  element.setAttribute('aria-hidden', 'true');
  const frame = document.createElementNS(space, 'rect');
  frame.setAttribute('class', 'frame');
  const rect = (box: Box) => {
    const made = document.createElementNS(space, 'rect');
    place(made, box);
    made.setAttribute('rx', '12');
    return made;
  };
  const jump = (event: PointerEvent) => {
    const matrix = element.getScreenCTM();
    if (matrix === null || event.buttons !== 1) return;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    go(x, y);
  };
  element.addEventListener('pointerdown', (event) => {
    element.setPointerCapture(event.pointerId);
    jump(event);
  });
  element.addEventListener('pointermove', jump);
  return {
    element,
    draw({ width, height, states }) {
      element.setAttribute('viewBox', `0 0 ${width} ${height}`);
      const rects = states.map((state) => {
        const made = rect(state);
        made.setAttribute('data-map', state.id);
        return made;
      });
      element.replaceChildren(...rects, frame);
    },
    light(active, leaves) {
      for (const node of element.querySelectorAll('[data-map]')) {
        const id = node.getAttribute('data-map') ?? '';
        node.classList.toggle('lit', active.has(id));
        node.classList.toggle('leaf', leaves.has(id));
      }
    },
    frame: (box) => place(frame, box),
  };
}

function place(rect: SVGRectElement, { x, y, w, h }: Box): void {
  for (const [name, value] of Object.entries({ x, y, width: w, height: h })) rect.setAttribute(name, String(value));
}
