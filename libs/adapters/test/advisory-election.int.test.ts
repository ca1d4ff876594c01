import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Election, SqlDatabase } from '#mutuel/runtime';
import { openAdvisoryElection, openDatabase } from '../src/index.js';
import { servers } from './support/servers.js';
import { severableWay } from './support/severable-way.js';

const opened: Election[] = [];
const name = `test ${Date.now()}`;
let url = '';
let database: SqlDatabase;

beforeAll(async () => {
  url = (await servers()).databaseUrl;
  database = await openDatabase({ url, max: 1, onWarning: () => undefined });
});

afterAll(async () => {
  for (const election of opened) await election.close();
  await database.close();
});

function candidate(warnings: string[] = []): Election {
  const made = openAdvisoryElection({ url, name, onWarning: (line) => warnings.push(line) });
  opened.push(made);
  return made;
}

/** Ends the sessions that hold a lock, as the kernel does for a killed process. */
const endSessions = () =>
  database.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = 28021`);

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it never came true');
}

describe('an election by locks of PostgreSQL', () => {
  it('is opened without a server, and never by an address that is none', () => {
    const open = (wrong: string): Election => openAdvisoryElection({ url: wrong, onWarning: () => undefined });
    opened.push(open('postgres://u@127.0.0.1:1/d'));
    expect(() => open('postgres://h:x/d')).toThrow(/^DATABASE_URL is no address of a database: /);
  });

  it('calls nobody, and goes on asking, while a certificate that its address names cannot be read', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'mutuel-election-')), 'authorities.pem');
    writeFileSync(file, '');
    const election = openAdvisoryElection({
      url: `${url}?sslmode=no-verify&sslrootcert=${file}`,
      name,
      onWarning: () => undefined,
    });
    opened.push(election);
    rmSync(file);
    expect(await election.tryLead('shard-7')).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await election.tryLead('shard-7')).toBe(false);
  });

  it('calls one candidate for each source, until that one resigns', async () => {
    const [one, other] = [candidate(), candidate()];
    expect(await one.tryLead('shard-0')).toBe(true);
    expect(await one.tryLead('shard-0')).toBe(true);
    expect(await other.tryLead('shard-0')).toBe(false);
    expect(await other.tryLead('shard-1')).toBe(true);
    await one.resign('shard-0');
    expect(await other.tryLead('shard-0')).toBe(true);
    expect(await one.tryLead('shard-0')).toBe(false);
    await other.resign('shard-0');
    await other.resign('shard-1');
  });

  it('calls another one when the session of the first has ended, and the first stands again', async () => {
    const warnings: string[] = [];
    const [one, other] = [candidate(warnings), candidate()];
    expect(await one.tryLead('market')).toBe(true);
    expect(await other.tryLead('market')).toBe(false);
    await endSessions();
    await until(() => other.tryLead('market'));
    expect(warnings).toEqual([expect.stringMatching(/connection that leaders are elected by was lost/)]);
    expect(await one.tryLead('market')).toBe(false);
    await other.close();
    await until(() => one.tryLead('market'));
  });

  it('leaves no lock with a session that stands still, and hears no more of it', async () => {
    const way = await severableWay(url);
    const warnings: string[] = [];
    const one = openAdvisoryElection({ url: way.url, name, onWarning: (line) => warnings.push(line) });
    opened.push(one);
    expect(await one.tryLead('shard-2')).toBe(true);
    way.hold();
    expect(await one.tryLead('shard-3')).toBe(false);
    // Nobody leads by that session: it has ended, and another one can be won by.
    await until(() => one.tryLead('shard-2'));
    expect(await one.tryLead('shard-3')).toBe(true);
    way.cut();
    await until(async () => warnings.length > 1);
    expect(warnings).toHaveLength(2);
  });

  it('calls nobody where the server is away, and does not throw', async () => {
    const away = openAdvisoryElection({ url: 'postgres://nobody@127.0.0.1:1/none', onWarning: () => undefined });
    expect(await away.tryLead('market')).toBe(false);
    await away.resign('market');
    await away.close();
  });
});
