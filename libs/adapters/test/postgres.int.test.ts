/** PostgreSQL itself: the shared suite, and what needs a real server. */
import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { migrate, openDatabase } from '#mutuel/adapters';
import { describeSql } from './sql-features.js';
import { servers } from './support/servers.js';
import { severableWay } from './support/severable-way.js';

const onWarning = (): void => undefined;

/** A database of the test's own, so that suites never meet. */
async function ownDatabase(max: number) {
  const { databaseUrl } = await servers();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = await openDatabase({ url: databaseUrl, max: 1, onWarning });
  await admin.query(`create database ${name}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  const db = await openDatabase({ url: url.href, max, onWarning });
  return {
    db,
    admin,
    name,
    dispose: async () => {
      await db.close();
      await admin.query(`drop database ${name} with (force)`);
      await admin.close();
    },
  };
}

describeSql('PostgreSQL', () => ownDatabase(4));

it('lives on after the server has ended its connections', async () => {
  const { db, admin, name, dispose } = await ownDatabase(2);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  await dispose();
});

it('calls a transaction whose connection is ended retriable', async () => {
  const { db, admin, name, dispose } = await ownDatabase(1);
  const work = db.transaction(async (tx) => {
    await tx.query('select 1');
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await tx.query('select 2');
  });
  await expect(work).rejects.toMatchObject({ name: 'DatabaseFault', retriable: true });
  expect(await db.query('select 3 as three')).toEqual([{ three: 3 }]);
  await dispose();
});

it('waits for a server that stands still as long as it was told, and goes on with another connection', async () => {
  const { databaseUrl } = await servers();
  const way = await severableWay(databaseUrl);
  const db = await openDatabase({ url: way.url, max: 1, onWarning, queryTimeoutMs: 500 });
  way.hold();
  await expect(db.query('select 1')).rejects.toMatchObject({ name: 'DatabaseFault', retriable: true });
  const work = db.transaction(async (tx) => {
    await tx.query('select 2');
    way.hold();
    await tx.query('select 3');
  });
  await expect(work).rejects.toMatchObject({ message: 'Query read timeout', retriable: true });
  expect(await db.query('select 4 as four')).toEqual([{ four: 4 }]);
  // The server, too, notices a client that has vanished.
  expect(await db.query('show tcp_keepalives_idle')).toEqual([{ tcp_keepalives_idle: '10' }]);
  way.hold();
  await db.close();
  way.cut();
});

it('brings a schema forward beside who reads a table for long, and nobody else waits for either', async () => {
  const { db, dispose } = await ownDatabase(4);
  const first = { id: '001-bets', sql: 'create table bets (stake bigint); insert into bets values (200)' };
  const second = { id: '002-odds', sql: 'alter table bets add column odds text' };
  await migrate(db, [first]);
  const warnings: string[] = [];
  const coming = await db.transaction(async (report) => {
    await report.query('select * from bets');
    const migrated = migrate(db, [first, second], (sentence) => warnings.push(sentence));
    const asks = `select 1 from pg_locks where relation = 'bets'::regclass and not granted`;
    await expect.poll(() => db.query(asks)).toHaveLength(1);
    // Behind who waits for the table alone; without an end to that, behind the report, too.
    const rows = await db.transaction(async (other) => {
      await other.query(`set local lock_timeout = '20s'`);
      return other.query('select stake from bets');
    });
    expect(rows).toEqual([{ stake: 200 }]);
    return { migrated };
  });
  expect(await coming.migrated).toEqual(['002-odds']);
  expect(await db.query('select * from bets')).toEqual([{ stake: 200, odds: null }]);
  expect(warnings).toEqual([expect.stringMatching(/waits for tables that another session uses/)]);
  await dispose();
});

it('says in one line that no server is there, without the password', async () => {
  const url = 'postgres://mutuel:hush@127.0.0.1:1/mutuel';
  await expect(openDatabase({ url, max: 1, onWarning })).rejects.toThrow(
    /^PostgreSQL cannot be used at 127\.0\.0\.1:1\/mutuel: connect ECONNREFUSED 127\.0\.0\.1:1$/,
  );
});

it.each([
  ['a user that it does not know', { username: 'nobody_here' }, /role "nobody_here" does not exist$/],
  ['a database that it does not have', { pathname: '/none' }, /database "none" does not exist$/],
])('%s is a fault of the setting: the server is there', async (_, change, what) => {
  const url = new URL((await servers()).databaseUrl);
  Object.assign(url, change);
  await expectSettingFault(url.href, what);
});

it.each([
  ['a password that it refuses', '28P01', 'password authentication failed for user "u"'],
  ['an address that it takes no connections of', '28000', 'no pg_hba.conf entry for host "127.0.0.1"'],
])('%s is one, too, and no password is shown', async (_, code, message) => {
  const url = `postgres://u:hush@127.0.0.1:${await refusing(code, message)}/d`;
  await expectSettingFault(url, new RegExp(`^PostgreSQL at \\S+/d refuses what DATABASE_URL says: ${message}$`));
});

it('what passes by itself is none: a server that is starting up', async () => {
  const url = `postgres://u:hush@127.0.0.1:${await refusing('57P03', 'the database system is starting up')}/d`;
  const opening = openDatabase({ url, max: 1, onWarning });
  await expect(opening).rejects.toMatchObject({ name: 'DatabaseFault', code: '57P03', retriable: true });
});

it.each(['postgres://h:x/d', 'postgres://u:hush@h/d?sslrootcert=/none.pem'])(
  'an address as %s is a fault of the setting',
  async (url) => {
    await expectSettingFault(url, /^DATABASE_URL is no address of a database: [^\n]+$/);
  },
);

it('says that it has not answered once that has lasted for seconds, though nobody asks', async () => {
  const { databaseUrl } = await servers();
  const way = await severableWay(databaseUrl);
  const db = await openDatabase({ url: way.url, max: 2, onWarning, lookEveryMs: 500 });
  await expect(db.query('no statement at all')).rejects.toThrow();
  expect(db.trouble?.()).toBeUndefined();
  way.cut();
  await expect
    .poll(() => db.trouble?.(), { interval: 100 })
    .toMatch(/^PostgreSQL has not answered for \d+ s: .*(ECONNREFUSED|terminated|timeout)/);
  await db.close();
});

async function expectSettingFault(url: string, what: RegExp): Promise<void> {
  const opening = openDatabase({ url, max: 1, onWarning });
  const fault = await opening.then(
    () => undefined,
    (one: Error) => one,
  );
  expect(fault).toMatchObject({ name: 'SetupFault', kind: 'SETTING', message: expect.stringMatching(what) });
  expect(fault?.message).not.toContain('hush');
}

/** A server that answers every connection with one error, as PostgreSQL does where its rules of access say so; it ends with the test. */
async function refusing(code: string, message: string): Promise<number> {
  const fields = `SFATAL\0C${code}\0M${message}\0\0`;
  const answer = Buffer.alloc(5 + fields.length);
  answer.write('E');
  answer.writeInt32BE(4 + fields.length, 1);
  answer.write(fields, 5);
  const server = createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end(answer)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
