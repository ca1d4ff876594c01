// The path of one runner's odds in a thumb's width. Drawn on a logarithmic scale, since a move from 2 to 3 says as much
// as one from 20 to 30. It must never be the only carrier of a figure.

const WIDTH = 92;
const HEIGHT = 26;
const EDGE = 3;

export function Sparkline({ values }: { values: readonly number[] }) {
  if (values.length < 2) return <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden />;
  const logs = values.map((value) => Math.log(Math.max(value, 1)));
  const low = Math.min(...logs);
  // A quiet price draws a level line instead of magnified noise.
  const reach = Math.max(Math.max(...logs) - low, 0.25);
  const middle = (low + Math.max(...logs)) / 2;
  const x = (index: number) => EDGE + (index / (logs.length - 1)) * (WIDTH - 2 * EDGE);
  const y = (value: number) => HEIGHT / 2 - ((value - middle) / reach) * (HEIGHT - 2 * EDGE);
  const path = logs
    .map((value, index) => `${index === 0 ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`)
    .join('');
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
      <path d={path} />
      <circle cx={x(logs.length - 1)} cy={y(logs.at(-1) ?? 0)} r={2} />
    </svg>
  );
}
