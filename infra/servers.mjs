/** `npm run infra:up | infra:down | infra:status | infra:wipe`: the native servers from the command line. */
import { parseArgs } from 'node:util';
import { down, InfraError, status, up, wipe } from './native/index.mjs';
import { command } from './workspace.mjs';

const usage = `usage: node infra/servers.mjs up|down|status|wipe [--instance NAME] [--brokers 1|3]`;

await command(main);

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { instance: { type: 'string' }, brokers: { type: 'string' } },
  });
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  const options = values.instance === undefined ? {} : { instance: values.instance };
  switch (positionals[0]) {
    case 'up': {
      const brokers = values.brokers === undefined ? {} : { brokers: brokersOf(values.brokers) };
      const addresses = await up({ ...options, ...brokers, log: (line) => console.log(line) });
      for (const [name, value] of Object.entries(addresses)) console.log(`${name}=${value}`);
      console.log(`All servers are up (${seconds()}).`);
      return;
    }
    case 'down':
    case 'wipe': {
      const names = await (positionals[0] === 'down' ? down(options) : wipe(options));
      console.log(names.length === 0 ? 'Nothing was running.' : `Stopped ${names.join(', ')} (${seconds()}).`);
      return;
    }
    case 'status': {
      const { running, servers, addresses, folder } = status(options);
      for (const server of servers)
        console.log(
          `${server.name} ${server.alive ? 'up' : 'DEAD'} pid ${server.pid} port ${server.port} log ${server.log}`,
        );
      for (const [name, value] of Object.entries(addresses ?? {})) console.log(`${name}=${value}`);
      console.log(running ? `Running in ${folder}.` : 'Not running.');
      process.exitCode = running ? 0 : 3;
      return;
    }
    default:
      console.error(usage);
      process.exitCode = 2;
  }
}

function brokersOf(text) {
  if (text !== '1' && text !== '3') throw new InfraError(`--brokers is 1 or 3, not "${text}".`);
  return Number(text);
}
