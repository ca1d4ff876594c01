/** `rebuild`: the read models folded from the log again and put in the place of the old ones, with progress, rate and time left. */
import type { Command } from 'commander';
import { readConfig, rebuildReadModels } from '#mutuel/platform';
import { dataOption } from './data-option.js';

interface Progress {
  readonly done: number;
  readonly total: number;
  readonly perSecond: number;
  readonly secondsLeft: number | undefined;
}

export function addRebuild(program: Command): void {
  program
    .command('rebuild')
    .description(
      'fold the log into new read models and put them in the place of the old ones; an embedded system is stopped for it',
    )
    .addOption(dataOption())
    .action(async ({ data }: { data: string }) => {
      const config = readConfig({ args: ['--data', data], env: process.env, demoByDefault: false });
      const progress = await rebuildReadModels(config, tell, (line) => console.error(line));
      tell(progress);
      console.error(`Rebuilt from ${progress.done.toLocaleString('en')} records.`);
    });
}

function tell({ done, total, perSecond, secondsLeft }: Progress): void {
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  const left = secondsLeft === undefined ? '' : `, ${Math.ceil(secondsLeft)} s left`;
  const rate = Math.round(perSecond).toLocaleString('en');
  console.error(
    `${percent} %: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} records, ${rate} a second${left}`,
  );
}
