// The odds of every runner over the last cycles, on uPlot, fetched only when somebody asks for it. It must never redraw
// more often than a cycle moves.
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { instant } from '../money.js';
import type { Runner } from '../wire.js';
import type { OddsPoint } from './odds.js';

const CYCLE_SECONDS = 5;
const HEIGHT = 320;
/** As many lines as can be told apart; the shortest prices are the ones people follow. */
const MOST_LINES = 8;
const INKS = ['#1b8a55', '#d1662a', '#2f73c9', '#b2378f', '#8a7a12', '#6a52c4', '#2a9aa0', '#b3453f'];

export default function OddsChart({ runners, path }: { runners: readonly Runner[]; path: readonly OddsPoint[] }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null || path.length < 2) return;
    const latest = path.at(-1)?.odds;
    const followed = runners
      .filter((runner) => latest?.has(runner.number) === true)
      .sort((a, b) => (latest?.get(a.number) ?? 0) - (latest?.get(b.number) ?? 0))
      .slice(0, MOST_LINES);
    const ink = getComputedStyle(element);
    const axis = {
      stroke: ink.getPropertyValue('--ink-2'),
      grid: { stroke: ink.getPropertyValue('--rule'), width: 1 },
    };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        scales: { y: { distr: 3, log: 2 } },
        axes: [
          { ...axis, space: 90, values: (_, ticks) => ticks.map((tick) => instant(tick * 1000)) },
          { ...axis, size: 52, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : String(tick))) },
        ],
        series: [
          { label: 'Time', value: (_, at) => (at === null ? '' : instant(at * 1000)) },
          ...followed.map((runner, index) => ({
            label: `${runner.number} ${runner.name}`,
            stroke: INKS[index] ?? '#888888',
            width: index === 0 ? 2.5 : 1.5,
            points: { show: false },
          })),
        ],
      },
      [
        path.map((point) => point.cycle * CYCLE_SECONDS),
        ...followed.map((runner) => path.map((point) => point.odds.get(runner.number) ?? null)),
      ],
      element,
    );
    const resize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      chart.destroy();
    };
  }, [runners, path]);
  if (path.length < 2) return <p className="panel-body muted">The chart starts with the second cycle of odds.</p>;
  return <div ref={box} className="chart" data-testid="odds-chart" />;
}
