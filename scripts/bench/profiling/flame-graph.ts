/**
 * Stacks as a flame graph: an SVG whose boxes are as wide as what they took, callers below. Idle time is left out, so the whole width is what the
 * thread worked. Source: Gregg, “The Flame Graph” (ACM Queue 14, 2016).
 */
import type { Call, Stack } from './cpu-profile.ts';

const WIDTH = 1200;
const ROW = 16;
/** Narrower boxes are left out, and what they called. */
const WIDTH_MIN = 1;
const LETTER = 6.2;
const HEAD = 40;

type Box = { call: Call; us: number; calls: Map<string, Box> };

/** `title` stands above it. */
export function flameGraph(title: string, stacks: readonly Stack[]): string {
  const root: Box = { call: { name: title, url: '' }, us: 0, calls: new Map() };
  for (const { calls, us } of stacks) {
    if (calls.at(-1)?.name === '(idle)') continue;
    root.us += us;
    let box = root;
    for (const call of calls) {
      const key = `${call.name} ${call.url}`;
      const next = box.calls.get(key) ?? { call, us: 0, calls: new Map<string, Box>() };
      box.calls.set(key, next);
      next.us += us;
      box = next;
    }
  }
  const rows: string[] = [];
  let depth = 0;
  const draw = (box: Box, x: number, level: number): void => {
    depth = Math.max(depth, level);
    let left = x;
    for (const child of [...box.calls.values()].sort((a, b) => b.us - a.us)) {
      const width = (child.us / root.us) * WIDTH;
      if (width < WIDTH_MIN) continue;
      rows.push(drawn(child, left, level, width, (child.us / root.us) * 100));
      draw(child, left, level + 1);
      left += width;
    }
  };
  draw(root, 0, 0);
  const height = HEAD + (depth + 1) * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="11">`,
    '<style>rect{stroke:#fff;stroke-width:.5}</style>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="4" y="16" font-size="13">${escaped(title)}: ${(root.us / 1e6).toFixed(2)} s of work</text>`,
    // Callers below: the first row is the lowest.
    `<g transform="translate(0 ${height - ROW}) scale(1 -1)">`,
    ...rows,
    '</g>',
    '</svg>\n',
  ].join('\n');
}

function drawn({ call }: Box, x: number, level: number, width: number, share: number): string {
  const y = level * ROW;
  const place = call.url.replace(/^.*\/(dist|node_modules)\//, '');
  const letters = Math.floor((width - 4) / LETTER);
  const label =
    letters < 3
      ? ''
      : `<text transform="translate(${round(x + 2)} ${y + 4}) scale(1 -1)">${escaped(call.name.slice(0, letters))}</text>`;
  const title = `<title>${escaped(call.name)} ${escaped(place)} ${share.toFixed(1)} %</title>`;
  return `<g>${title}<rect x="${round(x)}" y="${y}" width="${round(width)}" height="${ROW}" fill="${colour(call)}"/>${label}</g>`;
}

/** The product's own, libraries, Node's, and what is no JavaScript. */
function colour({ url }: Call): string {
  if (url.includes('/node_modules/')) return '#f4c27a';
  if (url.includes('/dist/')) return '#8ec6a4';
  return url === '' ? '#e79f95' : '#c9c9d8';
}

const round = (value: number): string => value.toFixed(1);
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
