// The "Redis Cloud" area: what the account holds, what was done to it, and the
// few things people do in its console.

import { h, icon, fill, copy, keep, stable } from './dom.js';
import { cloud } from './hooks.js';
import { since, stamp } from './dates.js';
import { errorSlot, grid, json, slotError, tabs, tryButton, watch } from './panel.js';

const data = { databases: [], backups: [], ledger: [], applications: [], names: new Map() }; // names: also of databases that are gone
let chosen = 0;

export function mount(area) {
  const error = errorSlot();
  const detail = detailPane(() => choose(0));
  const list = grid(databaseColumns, {
    key: (d) => String(d.id), label: 'Databases', empty: 'The account holds no database.',
    rowProps: (d) => ({
      class: d.id === chosen ? 'pick chosen' : 'pick', tabindex: '0', dataset: { testid: 'database', id: String(d.id), name: d.name, status: d.status },
      on: { click: () => choose(d.id), keydown: (e) => { if (e.key === 'Enter') choose(d.id); } },
    }),
  });
  const files = h('div', { class: 'file-list' });
  const ledger = grid(ledgerColumns, { key: (e) => `${e.at}${e.method}${e.path}`, label: 'Ledger', empty: 'No changing call was accepted yet.', rowProps: (e) => ({ dataset: { testid: 'ledger-row', resource: String(e.resource_id) } }) });
  const writers = grid(writerColumns, { key: (a) => a.name, label: 'Applications',
    empty: 'None yet: the fleet stands still unless told otherwise. Start the sandbox with a fleet file (-fleet FILE) in which a database has "writes_per_minute": 6, and its program is listed here. docs/sandbox.md, “A fleet of your own”, shows one.' });
  const panes = [
    { id: 'databases', label: 'Databases', node: h('div', { class: 'split' }, list.root, detail.root) },
    { id: 'backups', label: 'Backup files', node: files },
    { id: 'ledger', label: 'Ledger', node: h('div', null, h('p', { class: 'lead' }, 'Every changing call that the account accepted, in order. Two lines for one change would be a bug of the bot.'), ledger.root) },
    { id: 'applications', label: 'Applications', node: h('div', null, h('p', { class: 'lead' }, 'Programs that write to a database, as yours do: whether they are connected, and where to.'), writers.root) },
  ];
  const bar = tabs('cloud', panes);
  area.append(h('header', { class: 'room-head' }, h('h1', null, 'Redis Cloud'), h('span', { class: 'topic' }, 'the emulated account')), bar.bar, error,
    h('div', { class: 'panel-body' }, panes.map((p) => p.node)));

  function draw() {
    // The minute is part of the rows' signature: "2 hours ago" must not stay.
    list.draw(data.databases.map((d) => ({ ...d, chosen: d.id === chosen })), String(Math.floor(Date.now() / 60000)));
    drawFiles(files, data.backups);
    ledger.draw(data.ledger);
    writers.draw(data.applications);
    detail.draw(data.databases.find((d) => d.id === chosen));
  }

  function choose(id) {
    chosen = chosen === id ? 0 : id;
    draw();
  }

  return watch('cloud', async () => {
    const asked = [cloud.databases(), cloud.backups(), cloud.ledger(), cloud.applications()];
    const [databases, backups, calls, programs] = await Promise.allSettled(asked);
    const got = (r, otherwise) => (r.status === 'fulfilled' && r.value) || otherwise;
    data.databases = got(databases, []);
    for (const d of data.databases) data.names.set(d.id, d.name);
    data.backups = backupSets(got(backups, {}));
    data.ledger = got(calls, []);
    data.applications = got(programs, []);
    slotError(error, [databases, backups, calls].find((r) => r.status === 'rejected')?.reason);
    draw();
  });
}

const badge = (status, kind) => h('span', { class: `status ${kind || statusKind(status)}` }, status || '–');
function statusKind(status) {
  if (status === 'active') return 'good';
  if (/fail|error/.test(status || '')) return 'bad';
  return 'busy';
}

function versionCell(d) {
  const u = d.upgrade;
  if (!u || u.status === 'done' || u.status === 'failed') return [h('b', null, d.redis_version || '–'), u?.status === 'failed' && h('small', { class: 'bad' }, ` → ${u.target} failed`)];
  const done = Math.max(0, Math.min(100, Number(u.progress) || 0));
  return [h('b', null, d.redis_version), h('span', { class: 'faint' }, ` → ${u.target}`),
    h('span', { class: 'progress', role: 'progressbar', 'aria-valuenow': String(done), 'aria-valuemin': '0', 'aria-valuemax': '100' },
      h('span', { style: { width: `${done}%` } }))];
}

const databaseColumns = [
  { head: 'Database', cell: (d) => [h('b', null, d.name), h('small', null, ` ${d.id}`)] },
  { head: 'Subscription', cell: (d) => [d.subscription || d.subscription_id, h('small', null, ` ${d.plan}`)] },
  { head: 'Version', cell: versionCell },
  { head: 'Status', cell: (d) => [badge(d.status), d.subscription_status && d.subscription_status !== 'active' && h('small', null, ` subscription ${d.subscription_status}`)] },
  { head: 'Keys', cell: (d) => d.keys, class: 'num' },
  { head: 'Digest', cell: (d) => h('code', { title: d.digest }, String(d.digest || '').slice(0, 8)) },
  { head: 'Last backup', cell: (d) => backupCell(d) },
];

function backupCell(d) {
  const when = d.last_backup_at ? h('span', { title: stamp(d.last_backup_at) }, since(d.last_backup_at)) : h('span', { class: 'faint' }, 'never');
  return d.backup_path === '' ? [when, h('small', null, ' · off')] : when;
}

const ledgerColumns = [
  { head: 'When', cell: (e) => stamp(e.at) },
  { head: 'Call', cell: (e) => json(`${e.method} ${e.path}`, e.body) },
  { head: 'Resource', cell: (e) => nameOf(e.resource_id) },
  { head: 'Outcome', cell: (e) => [badge(e.outcome, e.outcome === 'completed' ? 'good' : e.outcome === 'error' ? 'bad' : 'busy'), e.error && h('small', null, ` ${e.error}`)] },
];

const writerColumns = [
  { head: 'Application', cell: (a) => h('b', null, a.name) },
  { head: 'Writes to', cell: (a) => [a.database || '–', h('small', null, ` ${a.address}`)] },
  { head: 'Connection', cell: (a) => (a.connected ? badge('connected', 'good') : [badge('refused', 'bad'), h('small', null, ` ${a.refused}`)]) },
  { head: 'Writes per minute', cell: (a) => a.writes_per_minute, class: 'num' },
  { head: 'Accepted', cell: (a) => a.accepted_writes, class: 'num' },
];

function nameOf(id) {
  const name = data.names.get(id);
  return name ? [name, h('small', null, ` ${id}`)] : id || '–';
}

// backupSets turns files by database into sets: all shards of one backup.
function backupSets(byName) {
  const sets = new Map();
  for (const [name, files] of Object.entries(byName)) {
    for (const f of files) {
      const key = `${name}|${f.at}|${f.database_id}`;
      if (!sets.has(key)) sets.set(key, { key, name, at: f.at, version: f.version, format: f.format, digest: f.set_digest || f.digest, files: [] });
      sets.get(key).files.push(f);
    }
  }
  return [...sets.values()].sort((a, b) => (a.at < b.at ? 1 : -1));
}

function fileRow(f) {
  const button = h('button', {
    type: 'button', class: 'uri', title: 'Copy this address', dataset: { testid: 'backup-uri', uri: f.uri }, on: { click: () => copy(f.uri, button) },
  }, icon('copy'), h('code', null, f.uri));
  return h('div', { class: 'file' }, button, h('small', null, `${f.keys} keys`, f.corrupt ? ' · corrupt' : ''));
}

function setBlock(set) {
  const all = h('button', {
    type: 'button', class: 'button small', dataset: { testid: 'backup-copy-all' }, on: { click: () => copy(set.files.map((f) => f.uri).join('\n'), all) },
  }, icon('copy'), set.files.length > 1 ? `Copy all ${set.files.length}` : 'Copy');
  return h('div', { class: 'set' }, h('div', { class: 'set-head' },
    h('span', { title: stamp(set.at) }, h('b', null, since(set.at)), h('small', null, ` Redis ${set.version} · format ${set.format} · digest `), h('code', { title: set.digest }, String(set.digest || '').slice(0, 8))), all),
  set.files.map(fileRow));
}

function drawSets(box, sets) {
  keep(box, sets, { key: (s) => s.key, sig: (s) => stable([s, since(s.at)]), draw: setBlock });
}

function drawFiles(box, sets) {
  const names = [...new Set(sets.map((s) => s.name))].sort();
  keep(box, names.length ? names : [''], {
    key: (n) => n,
    sig: (n) => stable(sets.filter((s) => s.name === n).map((s) => [s, since(s.at)])),
    draw: (n) => (n ? h('section', null, h('h3', null, n), sets.filter((s) => s.name === n).map(setBlock)) : h('p', { class: 'empty' }, 'No backup was stored yet.')),
  });
}

// detailPane shows one database: facts, files, console, keys; close puts it away.
function detailPane(close) {
  const facts = h('dl', { class: 'facts' });
  const name = h('h2');
  const sets = h('div');
  const none = h('p', { class: 'faint' }, 'No backup files.');
  const path = h('input', { class: 'field', 'aria-label': 'Backup path', spellcheck: 'false', dataset: { testid: 'console-backup-path' } });
  const keys = h('div', { class: 'keys' });
  const filter = h('input', { class: 'field', placeholder: 'Filter keys', 'aria-label': 'Filter keys', dataset: { testid: 'keys-filter' }, on: { input: () => drawKeys() } });
  let shown = 0;
  let held = {};

  const root = h('aside', { class: 'detail', 'aria-label': 'Database', dataset: { testid: 'database-detail' }, on: { keydown: (e) => { if (e.key === 'Escape') close(); } } },
    h('div', { class: 'detail-head' }, name, h('button', {
      type: 'button', class: 'menu-button', 'aria-label': 'Close', title: 'Close', dataset: { testid: 'database-detail-close' }, on: { click: close },
    }, icon('close'))), facts,
    h('h3', null, 'Backup files'), sets, none,
    h('h3', null, 'Console'), h('p', { class: 'lead' }, 'What a person could do in the web console, at once and without the bot.'),
    h('label', { class: 'label' }, 'Remote backup to'), path,
    h('div', { class: 'row' },
      tryButton('Turn on', () => change({ backup_path: path.value.trim() }, 'Remote backup is on.'), { testid: 'console-backup-on' }),
      tryButton('Turn off', () => change({ backup_path: '' }, 'Remote backup is off.'), { testid: 'console-backup-off' }),
      tryButton('Back up now', () => change({ backup_now: true }, 'Backed up.'), { testid: 'console-backup-now' })),
    h('h3', null, 'Keys'), h('div', { class: 'row' }, tryButton('Show keys', loadKeys, { testid: 'console-keys' }), filter), keys);

  async function change(set, done) {
    await cloud.set(shown, set);
    return done;
  }

  async function loadKeys() {
    held = (await cloud.keys(shown))?.keys || {};
    drawKeys();
    return `${Object.keys(held).length} keys`;
  }

  function drawKeys() {
    const names = Object.keys(held).filter((k) => k.includes(filter.value)).sort();
    fill(keys, names.slice(0, 300).map((k) => h('div', { class: 'key', dataset: { testid: 'key', key: k } }, h('code', null, k), h('span', null, String(held[k])))),
      names.length > 300 && h('p', { class: 'faint' }, `… and ${names.length - 300} more`));
  }

  function draw(d) {
    root.hidden = !d;
    if (!d) { shown = 0; return; }
    if (shown !== d.id) {
      shown = d.id;
      held = {};
      filter.value = '';
      drawKeys();
      path.value = d.backup_path || `s3://acme-backups/${d.name}`;
    }
    fill(name, d.name);
    const rows = {
      Status: d.status, Version: d.redis_version, Endpoint: d.endpoint || '–', 'Dynamic endpoint': d.dynamic_endpoint, Protocol: d.protocol,
      Shards: d.shards, Door: d.open === undefined ? '' : d.open ? 'open' : `closed (${(d.source_ips || []).join(', ')})`, 'Remote backup': d.backup_path || 'off',
      'Last backup': d.last_backup_at ? stamp(d.last_backup_at) : 'never', Import: d.import_status, Modules: (d.modules || []).map((m) => m.name || m).join(', '),
      Replicas: (d.replicas || []).join(', '), Tags: Object.entries(d.tags || {}).map(([k, v]) => `${k}=${v}`).join(', '), Digest: d.digest,
    };
    fill(facts, Object.entries(rows).filter(([, v]) => v !== undefined && v !== null && v !== '').map(([k, v]) => [h('dt', null, k), h('dd', null, String(v))]));
    const mine = data.backups.filter((s) => s.name === d.name);
    drawSets(sets, mine);
    none.hidden = mine.length > 0;
  }
  return { root, draw };
}
