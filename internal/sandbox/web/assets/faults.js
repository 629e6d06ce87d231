// The "Bad days" area: every fault of both emulators as a switch, the sockets,
// and the clock.

import { app } from './app.js';
import { h, keep, stable } from './dom.js';
import { clock, clockNow, cloud, slack } from './hooks.js';
import { setNow } from './dates.js';
import { people } from './people.js';
import { errorSlot, slotError, tryButton, watch } from './panel.js';

const sides = [
  { id: 'slack', title: 'Slack', api: slack },
  { id: 'cloud', title: 'Redis Cloud', api: cloud },
];
// Without a count a fault strikes once; these stand until switched off.
const standing = new Set(['usergroups_down', 'channel_archived', 'bot_removed', 'token_revoked', 'socket_silent']);
const howOften = (fault) => (standing.has(fault)
  ? [['', 'until switched off'], ['1', 'once'], ['3', '3 times'], ['10', '10 times']]
  : [['', 'once'], ['3', '3 times'], ['10', '10 times'], ['-1', 'until switched off']]);

// What may follow the path, by what a fault of Redis Cloud takes.
const taken = { 'how long': '45s', 'code and text': 'DATABASE_BACKUP_DISABLED', database: 'orders-prod', 'Redis version': '8.6' };

// example is something that a fault could be narrowed down to; '' if nothing.
function example(side, { matches, takes }) {
  if (side.id === 'cloud') return takes ? `/databases ${taken[takes] || takes}` : 'POST /v1/subscriptions';
  if (matches === 'nothing') return '';
  const found = [[/^a method/, 'chat.update is_inactive'], [/^bot or app/, 'bot'], [/^a user group/, 'dba'], [/^an envelope/, 'block_actions'], [/^a channel/, 'redis-ops'], [/^unknown_type/, 'unknown_type']].find(([sort]) => sort.test(matches));
  return found ? found[1] : '';
}

export function mount(area) {
  const columns = sides.map(column);
  const find = h('input', { class: 'field', type: 'search', placeholder: 'Find a fault', 'aria-label': 'Find a fault', dataset: { testid: 'fault-find' }, on: { input: () => { for (const c of columns) c.draw(find.value); } } });
  const redraw = watch('faults', () => Promise.all(columns.map((c) => c.load(find.value))));
  area.append(
    h('header', { class: 'room-head' }, h('h1', null, 'Bad days'), h('span', { class: 'topic' }, 'Switch one on, then go on with the job in the chat'), h('span', { class: 'head-tool' }, find)),
    h('div', { class: 'panel-body' }, h('div', { class: 'cards-row' }, clockCard(), socketCard(), adminCard()),
      h('div', { class: 'two' }, columns.map((c) => c.root))));
  return redraw;
}

function clockCard() {
  const slider = h('input', {
    type: 'range', min: '0', max: '300', step: '1', 'aria-label': 'Speed', dataset: { testid: 'clock-speed' },
    on: {
      input: () => { label.textContent = `${speedOf(slider.value)}×`; },
      change: async () => {
        try {
          await clock({ speed: speedOf(slider.value) });
          app.speed = speedOf(slider.value);
          said.textContent = '';
          app.changed();
        } catch (err) { said.textContent = err.message; }
      },
    },
  });
  // Logarithmic: 1× to 1000×.
  const speedOf = (v) => Number((10 ** (Number(v) / 100)).toPrecision(2));
  const label = h('output', null);
  const said = h('span', { class: 'said bad', role: 'status' });
  const show = () => {
    if (document.activeElement === slider) return;
    slider.value = String(Math.round(Math.log10(Math.max(1, app.speed)) * 100));
    label.textContent = `${Number(app.speed.toPrecision(2))}×`;
  };
  app.on(show);
  show();
  const jump = (d, what) => tryButton(`+ ${what}`, async () => { await clock({ advance: d }); setNow((await clockNow()).now); return `The clock moved by ${what}.`; }, { testid: `clock-${d}` });
  return h('section', { class: 'card' }, h('h2', null, 'Clock'), h('p', { class: 'lead' }, 'Emulated minutes pass faster by the speed. Jumps let approvals, windows and watches run out.'),
    h('div', { class: 'row' }, jump('1h', '1 hour'), jump('9h', '9 hours'), jump('24h', '24 hours')),
    h('label', { class: 'row' }, 'Speed', slider, label), said);
}

function socketCard() {
  const reasons = { warning: 'Slack warns, then closes', refresh_requested: 'Slack asks to reconnect', link_disabled: 'Socket Mode was switched off' };
  return h('section', { class: 'card' }, h('h2', null, 'Sockets'), h('p', { class: 'lead' }, 'Disconnect the bot from Slack, with the reason that Slack would give.'),
    h('div', { class: 'row' }, Object.entries(reasons).map(([reason, what]) => tryButton(what, async () => { await slack.disconnect(reason); return 'Sent.'; }, { testid: `disconnect-${reason}` }))));
}

// What an administrator of the workspace can switch: hook, and its body for on and off.
const channelSet = (set) => ({ channel: 'redis-ops', set });
const admin = {
  archived: ['#redis-ops is archived', 'channel', channelSet({ archived: true }), channelSet({ archived: false })],
  removed: ['The bot is removed from #redis-ops', 'channel', channelSet({ bot_member: false }), channelSet({ bot_member: true })],
  shared: ['#redis-ops is shared with another company', 'channel', channelSet({ shared: true }), channelSet({ shared: false })],
  disabled: ['The group dba is disabled', 'group', { group: 'dba', set: { disabled: true } }, { group: 'dba', set: { disabled: false } }],
  empty: ['The group dba is empty', 'group', { group: 'dba', set: { users: [] } }, { group: 'dba', set: { users: ['bob', 'carol'] } }],
  left: ['bob is deactivated', 'person', { user: 'bob', set: { deactivated: true } }, { user: 'bob', set: { deactivated: false } }],
  partner: ['A partner company has a shared channel', 'workspace', { partner: true }, { partner: false }],
  grid: ['The workspace belongs to an organisation', 'workspace', { grid: true }, { grid: false, org_install: false }],
};

function adminCard() {
  const turn = (id, hook, body, word) => tryButton(word, async () => { await slack.admin(hook, body); people.load(await slack.people()); app.changed(); return 'Done.'; }, { testid: `admin-${id}-${word.toLowerCase()}` });
  return h('section', { class: 'card' }, h('h2', null, 'Administrators'), h('p', { class: 'lead' }, 'What others change in Slack, behind the back of the bot.'),
    Object.entries(admin).map(([id, [what, hook, on, off]]) => h('div', { class: 'row' }, turn(id, hook, on, 'On'), turn(id, hook, off, 'Off'), what)));
}

// column is one side's list of switches.
function column(side) {
  const error = errorSlot();
  const box = h('div', { class: 'faults' });
  const none = h('p', { class: 'empty', role: 'status', hidden: true, dataset: { testid: `faults-none-${side.id}` } });
  const off = tryButton('All off', async () => {
    for (const f of list.filter((x) => x.times !== 0)) await side.api.fault({ fault: f.fault, times: 0, match: f.match || '' });
    await load('');
  }, { testid: `faults-off-${side.id}` });
  let list = [];
  let want = '';

  const load = async (query) => {
    try {
      list = rowsOf(await side.api.faults());
      slotError(error, null);
      app.countFaults();
    } catch (err) {
      slotError(error, err);
    }
    draw(query);
  };

  function draw(query) {
    want = (query ?? want).toLowerCase();
    const shown = list.filter((f) => `${f.fault} ${f.does}`.replaceAll('_', ' ').toLowerCase().includes(want.replaceAll('_', ' ')));
    none.hidden = shown.length > 0 || !want;
    none.textContent = `No fault of ${side.title} has “${want}” in its name or its description.`;
    keep(box, shown, { key: (f) => `${f.fault} ${f.match}`, sig: (f) => stable(f), draw: (f) => row(side, f, () => load(want)), update: (node, f) => node.show(f) });
  }

  return { root: h('section', null, h('div', { class: 'faults-head' }, h('h2', null, side.title), off), error, none, box), load, draw };
}

// rowsOf brings both sides' lists into one form.
function rowsOf(answer) {
  const list = Array.isArray(answer) ? answer : answer?.faults || [];
  return list.map((f) => ({ fault: f.fault || f.name, does: f.does || f.description || '', times: f.times || 0, match: f.match || '', matches: f.matches || f.match_help || '', takes: f.takes || '' }));
}

function row(side, first, reload) {
  let fault = first;
  const often = h('select', { class: 'field small', 'aria-label': 'How often', dataset: { testid: 'fault-times', fault: first.fault } }, howOften(first.fault).map(([n, label]) => h('option', { value: n }, label)));
  const match = h('input', { class: 'field small', placeholder: example(side, first), 'aria-label': 'Only for', title: first.matches || `part of METHOD and path; empty: all${first.takes ? `; behind a blank: ${first.takes} (/ stands for all paths)` : ''}`, spellcheck: 'false', dataset: { testid: 'fault-match', fault: first.fault } });
  const said = h('div', { class: 'said bad', role: 'status' });
  const left = h('small', { class: 'left' });
  // A fault that acts at once has nothing to switch off.
  const atOnce = /^acts at once/i.test(first.does);
  const toggle = h('button', {
    type: 'button', role: atOnce ? null : 'switch', class: atOnce ? 'button small now' : 'switch', 'aria-label': first.fault, dataset: { testid: 'fault', fault: first.fault, side: side.id },
    on: {
      click: async () => {
        const on = fault.times === 0;
        toggle.disabled = true;
        try {
          const times = on ? often.value : '0'; // without times: what the fault means by itself
          await side.api.fault({ fault: fault.fault, match: on ? match.value.trim() : fault.match, ...(times === '' ? {} : { times: Number(times) }) });
          said.textContent = '';
        } catch (err) {
          said.textContent = err.message;
        }
        toggle.disabled = false;
        reload();
      },
    },
  }, atOnce ? 'Do it' : h('span'));
  const node = h('div', { class: 'fault' }, toggle, h('div', { class: 'fault-main' }, h('div', null, h('b', null, first.fault.replaceAll('_', ' ')), ' ', left), h('p', null, first.does), said),
    h('div', { class: 'fault-how' }, !atOnce && often, match.placeholder !== '' && h('label', { class: 'only' }, atOnce ? 'kind' : 'only for', match)));
  node.show = (f) => {
    fault = f;
    if (!atOnce) toggle.setAttribute('aria-checked', String(f.times !== 0));
    left.textContent = f.times === 0 ? '' : f.times < 0 ? `on${f.match ? ` for ${f.match}` : ''}` : `${f.times} left${f.match ? ` for ${f.match}` : ''}`;
    node.classList.toggle('on', f.times !== 0);
  };
  node.show(first);
  return node;
}
