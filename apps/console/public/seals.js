// The public page of the seals: reads what is published and checks every signature. It must never call a seal good that it did not check.
const utf8 = new TextEncoder();
const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const $ = (id) => document.getElementById(id);

async function read(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} answers with status ${answer.status}`);
  return answer.json();
}

async function verdictOn(seal, statement, keys) {
  const key = keys.get(seal.keyId);
  if (!key) return 'its key is not published';
  const holds = await crypto.subtle.verify('Ed25519', key, bytesOf(seal.signature), utf8.encode(seal.statement));
  if (!holds) return 'its signature does not fit';
  const roots = statement.shards.map(({ root }) => root).join('');
  const root = hex(await crypto.subtle.digest('SHA-256', utf8.encode(`pool:${roots}`)));
  return root === statement.root ? null : 'its root is not made of the roots of its shards';
}

/** Seconds are enough for people; the statement has the rest. */
const timeOf = (iso) => iso.slice(0, 19).replace('T', ' ');

/** Fills a table; where it is too narrow for columns, each cell stands behind its column's name. */
function fill(id, rows) {
  const headings = [...$(id).tHead.rows[0].cells];
  for (const row of rows)
    [...row.cells].forEach((cell, i) => {
      cell.dataset.label = headings[i].textContent;
      cell.classList.toggle('sum', headings[i].classList.contains('sum'));
    });
  $(id).tBodies[0].replaceChildren(...rows);
}

function rowOf(cells) {
  const row = document.createElement('tr');
  for (const text of cells) row.insertCell().textContent = text;
  return row;
}

async function show() {
  const [{ seals }, published, { anchors }] = await Promise.all([
    read(`/v1/seals${location.search}`),
    read('/v1/seal-keys'),
    read('/v1/anchors'),
  ]);
  const keys = new Map();
  for (const { keyId, publicKey } of published.keys)
    keys.set(keyId, await crypto.subtle.importKey('spki', bytesOf(publicKey), 'Ed25519', false, ['verify']));
  let bad = 0;
  const rows = [];
  for (const seal of seals) {
    const said = JSON.parse(seal.statement);
    const fault = await verdictOn(seal, said, keys);
    if (fault) bad++;
    const root = `${said.root.slice(0, 12)}…`;
    const row = rowOf([said.poolId, timeOf(seal.sealedAt), said.bets, said.stake, root, fault ?? 'holds']);
    row.cells[4].title = said.root;
    row.cells[5].className = fault ? 'bad' : 'good';
    rows.push(row);
  }
  fill('seals', rows);
  fill(
    'keys',
    published.keys.map(({ keyId, since }) => rowOf([keyId, timeOf(since)])),
  );
  const headsOf = (statement) => JSON.parse(statement).heads.map(({ source, seq }) => `${source} ${seq}`);
  fill(
    'anchors',
    anchors.map(({ day, statement }) => rowOf([day, headsOf(statement).join(', ')])),
  );
  $('verdict').className = bad > 0 ? 'bad' : 'good';
  $('verdict').textContent =
    bad > 0
      ? `${bad} of ${seals.length} seals do NOT hold`
      : seals.length === 0
        ? 'No pool was sealed yet'
        : `All ${seals.length} seals shown hold`;
}

show().catch((fault) => {
  $('verdict').className = 'bad';
  $('verdict').textContent = `The seals cannot be shown: ${fault.message}`;
});
