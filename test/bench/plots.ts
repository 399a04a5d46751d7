import type { Spread } from './statistics.js';

/** One row of a plot: the median as a point, the range of the rounds as a line. */
export interface Row {
  label: string;
  value: Spread;
  isOurs: boolean;
}

const WIDTH = 760;
const LABELS = 230;
const RIGHT = 90;
const ROW = 26;
const TOP = 64;
/** A scale that covers fewer powers of ten than this has fine ticks. */
const NARROW = 0.8;
const TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
const FINE_TICKS = [
  0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.4, 1.6, 1.8, 2, 2.5,
];
const OURS = '#0b6e99';
const OTHERS = '#8a8a8a';

/** A plot of ratios on a logarithmic scale: 2 and 0.5 have the same distance to 1. */
export function ratioPlot(title: string, scale: string, rows: Row[]): string {
  const ends = rows.flatMap(({ value }) => [value.min, value.max]);
  const low = Math.log10(Math.min(...ends, 0.8)) - 0.05;
  const high = Math.log10(Math.max(...ends, 1.25)) + 0.05;
  const x = (ratio: number) =>
    LABELS +
    ((Math.log10(ratio) - low) / (high - low)) * (WIDTH - LABELS - RIGHT);
  const bottom = TOP + rows.length * ROW;
  const ticks = (high - low < NARROW ? FINE_TICKS : TICKS)
    .filter((tick) => Math.log10(tick) > low && Math.log10(tick) < high)
    .map((tick) => {
      const color = tick === 1 ? '#333' : '#ddd';
      return (
        `<path d="M${px(x(tick))} ${TOP - 8}V${bottom}" stroke="${color}"/>` +
        text(x(tick), bottom + 16, String(tick), 'middle')
      );
    });
  const points = rows.map(({ label, value, isOurs }, index) => {
    const y = TOP + index * ROW + ROW / 2;
    const color = isOurs ? OURS : OTHERS;
    return (
      text(LABELS - 12, y + 4, label, 'end', isOurs ? 'bold' : 'normal') +
      `<path d="M${px(x(value.min))} ${y}H${px(x(value.max))}" stroke="${color}" stroke-width="3"/>` +
      `<circle cx="${px(x(value.median))}" cy="${y}" r="6" fill="${color}"/>` +
      text(WIDTH - RIGHT + 12, y + 4, `${value.median.toFixed(2)} ×`, 'start')
    );
  });
  return svg(bottom + 28, title, scale, [...ticks, ...points]);
}

/** A plot of one value over time. Its scale begins at 0. */
export function linePlot(
  title: string,
  scale: string,
  values: number[],
  { minutes, limit }: { minutes: number; limit: number },
): string {
  const height = 220;
  const left = 50;
  const bottom = TOP + height;
  const most = Math.max(...values, limit) * 1.1;
  const x = (index: number) =>
    left + (index / (values.length - 1)) * (WIDTH - left - 20);
  const y = (value: number) => bottom - (value / most) * height;
  const line = values
    .map((value, index) => `${px(x(index))} ${px(y(value))}`)
    .join('L');
  return svg(bottom + 28, title, scale, [
    `<path d="M${left} ${TOP}V${bottom}H${WIDTH - 20}" stroke="#333" fill="none"/>`,
    `<path d="M${left} ${px(y(limit))}H${WIDTH - 20}" stroke="#c33" stroke-dasharray="6 4"/>`,
    text(left - 6, y(limit) + 4, String(limit), 'end'),
    text(left - 6, bottom + 4, '0', 'end'),
    text(left, bottom + 18, '0 min', 'middle'),
    text(WIDTH - 20, bottom + 18, `${minutes} min`, 'end'),
    `<path d="M${line}" stroke="${OURS}" stroke-width="2" fill="none"/>`,
  ]);
}

function svg(
  height: number,
  title: string,
  scale: string,
  content: string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(12, 22, title, 'start', 'bold'),
    text(12, 40, scale, 'start'),
    ...content,
    '</svg>\n',
  ].join('\n');
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end',
  weight = 'normal',
): string {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" font-weight="${weight}" fill="#222">${escaped}</text>`;
}

function px(value: number): string {
  return value.toFixed(1);
}
