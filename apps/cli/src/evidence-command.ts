/**
 * `evidence`: asks a running back office for everything about a ticket or a bet and writes the signed pack into a file, which `verify
 * evidence` checks anywhere. The token comes by the environment or a file, never by a flag that others on the machine could read.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';

interface Flags {
  readonly url: string;
  readonly tokenFile?: string;
  readonly out?: string;
}

export function addEvidence(program: Command): void {
  program
    .command('evidence')
    .description('the signed evidence of a ticket, or of one bet of it, as a file')
    .argument('<id>', "a ticket's or a bet's id")
    .option('--url <address>', 'the back office', 'http://127.0.0.1:3000')
    .option('--token-file <file>', "an operator's token; without it MUTUEL_TOKEN holds it")
    .option('--out <file>', 'where to; <id>.evidence.json without it')
    .action(async (id: string, flags: Flags) => {
      const { url, tokenFile, out = `${id}.evidence.json` } = flags;
      const token = tokenFile === undefined ? process.env['MUTUEL_TOKEN'] : readFileSync(tokenFile, 'utf8').trim();
      const path = new URL(`/v1/operator/tickets/${encodeURIComponent(id)}/evidence`, url);
      const answer = await fetch(path, { headers: { authorization: `Bearer ${token ?? ''}` } }).catch(
        (fault: Error & { cause?: Error }) => `${url} does not answer: ${fault.cause?.message ?? fault.message}`,
      );
      const refusal = typeof answer === 'string' ? answer : answer.ok ? undefined : await reasonOf(answer);
      if (refusal !== undefined || typeof answer === 'string') {
        console.error(refusal);
        process.exitCode = 1;
        return;
      }
      writeFileSync(out, await answer.text());
      process.stdout.write(`${out}\n`);
    });
}

async function reasonOf(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
  return `${problem.code ?? answer.status}: ${problem.detail ?? answer.statusText}`;
}
